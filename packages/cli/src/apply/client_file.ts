import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml'
import { DRAFT_FIELDS, type RecordField } from '../api/record_fields.ts'
import type { ClientDraft } from '../api/schemas.ts'
import { CliError } from '../core/exit_code.ts'
import { didYouMean } from '../core/suggest.ts'
import { clean } from '../core/table.ts'

/** A client that the file describes, with the line of its id. An absent field of an existing client keeps its value. */
export interface FileClient {
  line: number
  draft: ClientDraft
}

/** A problem of the file. `path` is empty for the whole file. */
export interface FileProblem {
  line: number
  path: string
  message: string
}

/** Whether a file can have the client. The values of a client whose id is a URL come from a document, and users add it. */
export function isRegistered({ client_id: id }: { client_id: string }): boolean {
  return !id.includes('://')
}

/** The fields of a client in the file. Its id is the key. */
export const FILE_FIELDS = DRAFT_FIELDS.filter(({ name }) => name !== 'client_id')
const FIELD_NAMES = FILE_FIELDS.map(({ name }) => name)
/** The file is the user's own, so that many aliases are no attack. */
const NO_LIMIT = { maxAliasCount: -1 }
const TOP_KEY = 'clients'

const KINDS: Readonly<Record<RecordField['kind'], { isValid(value: unknown): boolean; message: string }>> = {
  text: {
    isValid: (value) => typeof value === 'string',
    message: 'must be a text; write a number in quotes',
  },
  list: {
    isValid: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
    message: 'must be a list of texts, such as [one, two] or []',
  },
  flag: { isValid: (value) => typeof value === 'boolean', message: 'must be true or false' },
  json: {
    isValid: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    message: 'must be a mapping',
  },
  seconds: { isValid: Number.isInteger, message: 'must be a whole number of seconds, or null' },
}

/**
 * Parses the clients of a file in YAML. It checks the shape of the file. The server checks the values.
 *
 * @param file The name of the file, for the error.
 * @throws CliError that lists every problem with its line
 */
export function parseClientFile(text: string, file: string): FileClient[] {
  const reader = new FileReader(text)
  const clients = reader.readClients()
  if (reader.problems.length > 0) throw fileError(file, reader.problems)
  return clients
}

/** The error that lists every problem of a file, by line. */
export function fileError(file: string, problems: readonly FileProblem[]): CliError {
  const lines = problems
    .toSorted((one, other) => one.line - other.line)
    .map(({ line, path, message }) => `  line ${line}: ${path === '' ? '' : `${path}: `}${message}`)
  return new CliError('failed', [`${file} is not valid:`, ...lines].map(clean).join('\n'))
}

/** Reads the tree of a document, and keeps every problem. */
class FileReader {
  readonly #lines = new LineCounter()
  readonly #document: Document
  readonly problems: FileProblem[] = []

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    for (const { message, pos } of [...this.#document.errors, ...this.#document.warnings]) {
      this.#refuse({ line: this.#lines.linePos(pos[0]).line, path: '', message })
    }
    visit(this.#document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.#document) !== undefined) return
        const line = this.#lines.linePos(alias.range?.[0] ?? 0).line
        this.#refuse({ line, path: '', message: `the alias *${alias.source} has no anchor before it` })
      },
    })
  }

  readClients(): FileClient[] {
    if (this.problems.length > 0) return []
    const top = this.#document.contents
    if (!isMap(top)) return this.#refuse({ line: 1, path: '', message: `must have the key "${TOP_KEY}"` })
    this.#refuseUnknownKeys(top, '', [TOP_KEY])
    const clients = this.#resolve(top.items.find((pair) => nameOf(pair) === TOP_KEY)?.value)
    if (isMap(clients)) return clients.items.flatMap((pair) => this.#readClient(pair))
    const message = 'must be a mapping from client ids to fields. For no clients, write {}'
    return this.#refuse({ line: 1, path: TOP_KEY, message })
  }

  #readClient(pair: Pair): FileClient[] {
    const line = this.#lineOf(pair)
    const id = nameOf(pair)
    if (id === null) return this.#refuse({ line, path: TOP_KEY, message: 'write this client id in quotes' })
    const path = `${TOP_KEY}.${id}`
    const fields = this.#resolve(pair.value)
    if (!isMap(fields)) return this.#refuse({ line, path, message: 'must be a mapping of fields' })
    this.#refuseUnknownKeys(fields, path, FIELD_NAMES)
    const missing = FILE_FIELDS.filter(({ name, isRequired }) => isRequired && !fields.has(name))
    for (const { name } of missing) this.#refuse({ line, path: `${path}.${name}`, message: 'is missing' })
    const values = fields.items.flatMap((item) => this.#readField(item, path))
    // The fields have the kinds of the same schema. A missing one is a problem.
    return [{ line, draft: { client_id: id, ...Object.fromEntries(values) } as ClientDraft }]
  }

  #readField(pair: Pair, path: string): [string, unknown][] {
    const field = FILE_FIELDS.find(({ name }) => name === nameOf(pair))
    if (field === undefined) return []
    const value: unknown = this.#resolve(pair.value)?.toJS(this.#document, NO_LIMIT) ?? null
    const { isValid, message } = KINDS[field.kind]
    if (isValid(value) || (value === null && field.isNullable)) return [[field.name, value]]
    return this.#refuse({ line: this.#lineOf(pair), path: `${path}.${field.name}`, message })
  }

  #refuseUnknownKeys(mapping: YAMLMap, path: string, known: readonly string[]): void {
    for (const pair of mapping.items) {
      const name = nameOf(pair) ?? String(pair.key)
      if (known.includes(name)) continue
      const message = `is not a known key${didYouMean(name, known)}`
      this.#refuse({ line: this.#lineOf(pair), path: path === '' ? name : `${path}.${name}`, message })
    }
  }

  #resolve(node: unknown): Node | undefined {
    const target = isAlias(node) ? node.resolve(this.#document) : node
    return isNode(target) ? target : undefined
  }

  #lineOf({ key }: Pair): number {
    return isScalar(key) && key.range ? this.#lines.linePos(key.range[0]).line : 1
  }

  #refuse(problem: FileProblem): [] {
    this.problems.push(problem)
    return []
  }
}

/** The key of a pair; null if YAML reads the key as another type than text, such as a number. */
function nameOf({ key }: Pair): string | null {
  return isScalar(key) && typeof key.value === 'string' ? key.value : null
}

import { CliError } from '../core/exit_code.ts'
import type { ColumnPlan } from './column_plan.ts'
import { type FileRow, MAX_ROW_CHARACTERS } from './file_row.ts'
import { toJsonRow } from './json_lines.ts'
import { readText } from './read_text.ts'

/**
 * Reads the rows of a JSON document: the items of the list that the preset names, such as `users` of a Keycloak realm.
 * Without such a preset, the document is the list. Only one item at a time is in memory.
 *
 * @throws CliError if the file is malformed or has no such list
 */
export async function* readJsonList(file: string, plan: ColumnPlan): AsyncGenerator<FileRow> {
  const splitter = new ListSplitter(file, plan.preset?.list ?? null)
  for await (const text of readText(file)) {
    for (const { line, text: item } of splitter.push(text)) yield toJsonRow(line, item, plan)
  }
  splitter.requireEnd()
}

interface ListItem {
  line: number
  text: string
}

/** Cuts the items of one list out of a JSON document, without parsing the rest. */
class ListSplitter {
  readonly #file: string
  /** The name of the member that is the list; null if the document is the list. */
  readonly #member: string | null
  /** The number of open brackets and braces. */
  #depth = 0
  /** The depth of the items of the list, while it is open. */
  #listDepth: number | null = null
  #wasFound = false
  #isInString = false
  #isEscaped = false
  /** The text of the last string at depth 1, which names the member that follows. */
  #name = ''
  #item = ''
  #line = 1
  #start = 1

  constructor(file: string, member: string | null) {
    this.#file = file
    this.#member = member
  }

  *push(text: string): Generator<ListItem> {
    for (const character of text) {
      if (character === '\n') this.#line++
      const isItemEnd = this.#take(character)
      if (isItemEnd) yield* this.#endItem()
    }
  }

  /** @throws CliError if the list is missing or not closed */
  requireEnd(): void {
    if (this.#depth > 0 || this.#isInString)
      throw new CliError('failed', `${this.#file} is incomplete: it is not JSON`)
    if (this.#wasFound) return
    const what = this.#member === null ? 'it is not a JSON list' : `it has no list "${this.#member}"`
    throw new CliError('failed', `${this.#file}: ${what}`)
  }

  /** @returns whether an item of the list ends here */
  #take(character: string): boolean {
    if (this.#isInString) {
      this.#takeInString(character)
      return false
    }
    if (character === '"') {
      this.#isInString = true
      if (this.#depth === 1) this.#name = ''
    }
    if (character === ']' || character === '}') return this.#close(character)
    if (character === ',' && this.#depth === this.#listDepth) return true
    this.#keep(character)
    if (character === '[' || character === '{') this.#open(character)
    return false
  }

  #takeInString(character: string): void {
    this.#keep(character)
    if (this.#isEscaped) this.#isEscaped = false
    else if (character === '\\') this.#isEscaped = true
    else if (character === '"') this.#isInString = false
    if (this.#isInString && this.#depth === 1 && this.#listDepth === null) this.#name += character
  }

  #open(bracket: string): void {
    const isList =
      this.#member === null ? this.#depth === 0 : this.#depth === 1 && this.#name === this.#member
    this.#depth++
    if (bracket !== '[' || !isList || this.#wasFound) return
    this.#listDepth = this.#depth
    this.#wasFound = true
    this.#item = ''
  }

  #close(bracket: string): boolean {
    const isListEnd = this.#depth === this.#listDepth
    if (!isListEnd) this.#keep(bracket)
    this.#depth--
    if (isListEnd) this.#listDepth = null
    return isListEnd
  }

  #keep(character: string): void {
    if (this.#listDepth === null) return
    if (this.#item === '') {
      if (/\s/.test(character)) return
      this.#start = this.#line
    }
    this.#item += character
    if (this.#item.length <= MAX_ROW_CHARACTERS) return
    throw new CliError('failed', `${this.#file}: the item in line ${this.#start} is too long`)
  }

  *#endItem(): Generator<ListItem> {
    const item = { line: this.#start, text: this.#item }
    this.#item = ''
    if (item.text !== '') yield item
  }
}

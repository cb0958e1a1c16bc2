import { parseArgs } from 'node:util'
import { draftSchema } from '../src/admin/client_schemas.ts'
import { ClientAdminStore } from '../src/clients/client_admin_store.ts'
import { findClientProblems } from '../src/clients/client_rules.ts'
import { generateClientSecret, generateSecretId, hashClientSecret } from '../src/clients/client_secret.ts'
import { type ClientValues, FIELD_LIST, fromDraft, fromUnchecked } from '../src/clients/client_values.ts'
import { systemClock } from '../src/lib/clock.ts'
import { compact } from '../src/lib/compact.ts'
import { addProblems, describeIssues, type ValueProblem } from '../src/lib/problems.ts'
import { requireConfig } from './config_file.ts'
import { sqlPrinter } from './sql_printer.ts'
import { stop } from './stop.ts'
import { writeOut } from './write_out.ts'

const USAGE = `usage: npm run --silent new-client -- --id ID --api API --grants LIST [--scopes LIST] [--origins LIST]
         [--name NAME] [--public] > client.sql
  Lists are separated by commas. Grants: password, client_credentials.
  The command writes the SQL to stdout and the secret to stderr. The secret cannot be shown again.`

const config = requireConfig()
const client = readClient()
const secret = client.confidential ? generateClientSecret() : null
const stored = secret === null ? null : { id: generateSecretId(), hash: await hashClientSecret(secret) }
// The secret comes first, so that no client exists whose secret is lost.
writeOut(2, secret === null ? `${client.id} is a public client without a secret` : `client_secret: ${secret}`)
await new ClientAdminStore(sqlPrinter()).add(client, { secret: stored, now: systemClock.now() }, [])

/** The client of the command line, by the same checks as those of the admin API. */
function readClient(): ClientValues {
  const { id, public: isPublic = false, ...values } = readArguments()
  const given = compact({ ...values, client_id: id })
  const unchecked = { ...splitLists(given), confidential: !isPublic }
  const draft = draftSchema.safeParse(unchecked)
  if (!draft.success) {
    const more = findClientProblems(fromUnchecked(unchecked), config)
    return refuse(addProblems(describeIssues(draft.error.issues), more))
  }
  const client = fromDraft(draft.data)
  const problems = findClientProblems(client, config)
  return problems.length > 0 ? refuse(problems) : client
}

function readArguments() {
  const text = { type: 'string' } as const
  try {
    const options = { id: text, name: text, api: text, grants: text, scopes: text, origins: text }
    return parseArgs({ options: { ...options, public: { type: 'boolean' } } }).values
  } catch {
    return stop(USAGE)
  }
}

function splitLists(values: Readonly<Record<string, string>>): Record<string, unknown> {
  const lists = FIELD_LIST.filter(({ kind }) => kind === 'list').map(({ wire }) => wire)
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, lists.includes(name) ? splitList(value) : value]),
  )
}

function splitList(text: string): string[] {
  return text.split(',').filter((item) => item !== '')
}

function refuse(problems: readonly ValueProblem[]): never {
  const lines = problems.map(({ path, message }) => `${path === 'client_id' ? 'id' : path}: ${message}`)
  return stop(`${lines.join('\n')}\n${USAGE}`)
}

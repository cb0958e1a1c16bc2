import { parseArgs } from 'node:util'
import { draftSchema } from '../src/admin/client_schemas.ts'
import { needsSecret } from '../src/clients/client.ts'
import { ClientAdminStore } from '../src/clients/client_admin_store.ts'
import { findClientProblems } from '../src/clients/client_rules.ts'
import { generateClientSecret, generateSecretId, hashClientSecret } from '../src/clients/client_secret.ts'
import { type ClientValues, FIELD_LIST, fromDraft, fromUnchecked } from '../src/clients/client_values.ts'
import type { Field } from '../src/clients/define_field.ts'
import { systemClock } from '../src/lib/clock.ts'
import { compact } from '../src/lib/compact.ts'
import { parseJson } from '../src/lib/parse_json.ts'
import { addProblems, describeIssues, type ValueProblem } from '../src/lib/problems.ts'
import { requireConfig } from './config_file.ts'
import { sqlPrinter } from './sql_printer.ts'
import { stop } from './stop.ts'
import { writeOut } from './write_out.ts'

/** The fields that are an option of the same name. Two others have the options --id and --public. */
const OPTION_FIELDS = FIELD_LIST.filter(
  ({ wire }) => !['client_id', 'confidential', 'enabled'].includes(wire),
)
const USAGE = `usage: npm run --silent new-client -- --id ID --api API --grants LIST [--public] [options] > client.sql
${OPTION_FIELDS.map(({ wire, description }) => `  --${toOptionName(wire)}: ${description}`).join('\n')}
  Lists are separated by commas. A setting that is on or off is true or false.
  The command writes the SQL to stdout and the secret to stderr. The secret cannot be shown again.`

const config = requireConfig()
const client = readClient()
const secret = needsSecret(client) ? generateClientSecret() : null
const stored = secret === null ? null : { id: generateSecretId(), hash: await hashClientSecret(secret) }
// The secret comes first, so that no client exists whose secret is lost.
writeOut(2, secret === null ? `${client.id} is a client without a secret` : `client_secret: ${secret}`)
await new ClientAdminStore(sqlPrinter()).add(client, { secret: stored, now: systemClock.now() }, [])

/** The client of the command line, by the same checks as those of the admin API. */
function readClient(): ClientValues {
  const values = readArguments()
  const given = OPTION_FIELDS.map((field) => [field.wire, readValue(field, values[toOptionName(field.wire)])])
  const { id: client_id, public: isPublic = false } = values
  const unchecked = compact({ ...Object.fromEntries(given), client_id, confidential: !isPublic })
  const draft = draftSchema.safeParse(unchecked)
  if (!draft.success) {
    const more = findClientProblems(fromUnchecked(unchecked), config)
    return refuse(addProblems(describeIssues(draft.error.issues), more))
  }
  const client = fromDraft(draft.data)
  const problems = findClientProblems(client, config)
  return problems.length > 0 ? refuse(problems) : client
}

function readArguments(): Readonly<Record<string, string | boolean | undefined>> {
  const text = { type: 'string' } as const
  const names = ['id', ...OPTION_FIELDS.map(({ wire }) => toOptionName(wire))]
  try {
    const options = Object.fromEntries(names.map((name) => [name, text]))
    return parseArgs({ options: { ...options, public: { type: 'boolean' } } }).values
  } catch {
    return stop(USAGE)
  }
}

function toOptionName(wire: string): string {
  return wire.replaceAll('_', '-')
}

/** The value of an option as JSON has it. The draft's schema reports a text that is not a value of the field. */
function readValue({ kind }: Field, text: string | boolean | undefined): unknown {
  if (typeof text !== 'string') return text
  if (kind === 'list') return splitList(text)
  if (kind === 'flag') return text === 'true' || (text === 'false' ? false : text)
  if (kind === 'json') return parseJson(text) ?? text
  return kind === 'seconds' && /^\d+$/.test(text) ? Number(text) : text
}

function splitList(text: string): string[] {
  return text.split(',').filter((item) => item !== '')
}

function refuse(problems: readonly ValueProblem[]): never {
  const lines = problems.map(({ path, message }) => `${path === 'client_id' ? 'id' : path}: ${message}`)
  return stop(`${lines.join('\n')}\n${USAGE}`)
}

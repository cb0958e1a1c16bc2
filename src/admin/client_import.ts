import * as z from 'zod/mini'
import { generateClientSecret, generateSecretId, hashClientSecret } from '../clients/client_secret.ts'
import { adminEvent } from './change.ts'
import { checkClient, draftMembers, findClientProblems } from './client_schemas.ts'
import { toClient, valuesOf } from './clients.ts'
import {
  batchSchema,
  type CheckedRow,
  checkRows,
  isGood,
  MAX_IMPORT_BYTES,
  type RowResult,
  refuseRepeated,
} from './import_rows.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { tryToRenewOrigins } from './renew_copies.ts'
import { named } from './schemas.ts'

const MIN_SECRET_LENGTH = 32

const rowSchema = named(
  'ClientImportRow',
  z
    .strictObject({
      ...draftMembers,
      client_secret: z.optional(
        z
          .string('must be a secret')
          .check(
            z.regex(/^[\x21-\x7E]+$/, 'must be printable ASCII without spaces'),
            z.minLength(
              MIN_SECRET_LENGTH,
              `must have at least ${MIN_SECRET_LENGTH} characters: weaker ones can be guessed`,
            ),
            z.maxLength(256, 'must have at most 256 characters'),
          ),
      ),
    })
    .check(
      z.refine((row) => row.client_secret === undefined || row.confidential !== false, {
        message: 'must not be there: the client is public',
        path: ['client_secret'],
      }),
    ),
)
type Row = z.output<typeof rowSchema>

const resultSchema = z.strictObject({
  index: z.int(),
  status: z.enum(['created', 'exists', 'refused']),
  reason: z.nullable(z.string()),
  client_secret: z.nullable(z.string()),
})
const reportSchema = named(
  'ClientImportReport',
  z.strictObject({ dry_run: z.boolean(), results: z.array(resultSchema) }),
)
type Result = RowResult<{ client_secret: string | null }>

const importClients = operation({
  id: 'importClients',
  method: 'POST',
  path: '/clients/import',
  summary:
    'Clients from elsewhere; a confidential one that brings no secret gets one, shown in this answer alone',
  tag: 'clients',
  role: 'admin',
  body: batchSchema,
  maxBodyBytes: MAX_IMPORT_BYTES,
  status: 200,
  answer: reportSchema,
  async handle(call) {
    const { rows, dry_run: isDryRun = false } = call.body
    const { services } = call
    const checked = checkRows(rows, rowSchema, (row) =>
      findClientProblems(toClient(row, call.context.now), services.config),
    )
    const distinct = refuseRepeated(checked, (row) => row.client_id)
    const taken = await services.clientAdmin.findTaken(
      distinct.filter(isGood).map(({ value }) => value.client_id),
    )
    const results: Result[] = []
    for (const row of distinct) results.push(await importRow(row, { call, taken, isDryRun }))
    if (!isDryRun) await tryToRenewOrigins(call)
    return { body: { dry_run: isDryRun, results } }
  },
})

export const CLIENT_IMPORT: readonly Operation[] = [importClients]

const EXISTS = { status: 'exists', reason: 'the client id is taken', client_secret: null } as const

async function importRow(
  row: CheckedRow<Row>,
  { call, taken, isDryRun }: { call: Call; taken: ReadonlySet<string>; isDryRun: boolean },
): Promise<Result> {
  const { index } = row
  if (!isGood(row)) return { index, status: 'refused', reason: row.refusal, client_secret: null }
  if (taken.has(row.value.client_id)) return { index, ...EXISTS }
  if (isDryRun) return { index, status: 'created', reason: null, client_secret: null }
  return { index, ...(await addClient(row.value, call)) }
}

/** Each client is a transaction of its own: where one fails, the batch is repeated, and finds the others there. */
async function addClient(row: Row, call: Call): Promise<Omit<Result, 'index'>> {
  const { services, context } = call
  const { client_secret: brought, ...draft } = row
  const client = toClient(draft, context.now)
  checkClient(client, services.config)
  const made = client.confidential && brought === undefined ? generateClientSecret() : null
  const secret = brought ?? made
  const stored = secret === null ? null : { id: generateSecretId(), hash: await hashClientSecret(secret) }
  const change = { operation: 'importClients', to: valuesOf(draft) }
  const event = adminEvent(call, 'the client was imported', { api: client.api, clientId: client.id, change })
  const isNew = await services.clientAdmin.add(client, stored, [
    services.audit.additionIfChanged(event, context),
  ])
  services.clients.forget(client.id)
  return isNew ? { status: 'created', reason: null, client_secret: made } : EXISTS
}

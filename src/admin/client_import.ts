import * as z from 'zod/mini'
import { findClientProblems } from '../clients/client_rules.ts'
import { generateClientSecret, generateSecretId, hashClientSecret } from '../clients/client_secret.ts'
import { draftMembers, fromDraft } from '../clients/client_values.ts'
import { ConstraintFailed } from '../lib/storage_error.ts'
import { adminEvent } from './change.ts'
import { valuesOf } from './clients.ts'
import { describeConstraint, isUnexpected, TAKEN_SECRET } from './constraint_problem.ts'
import {
  batchSchema,
  type CheckedRow,
  checkRows,
  formatProblems,
  isGood,
  MAX_IMPORT_BYTES,
  type RowResult,
  refuseRepeated,
} from './import_rows.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { findReachRefusal } from './reach.ts'
import { tryToRenewOrigins } from './renew_copies.ts'
import { named } from './schemas.ts'
import { FOR_ACCOUNTS, isServiceAccount } from './service_account.ts'

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
          )
          .register(z.globalRegistry, {
            title: 'Secret',
            description: 'Secret in clear text, at least 32 characters; the import creates one if absent',
          }),
      ),
    })
    .check(
      z.refine((row) => row.client_secret === undefined || row.confidential !== false, {
        message: 'must be absent: the client is public',
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
type Result = RowResult<{ client_secret: string | null }> & z.output<typeof resultSchema>

const importClients = operation({
  id: 'importClients',
  method: 'POST',
  path: '/clients/import',
  summary: 'Imports clients; a confidential client without a secret gets one, which only this response shows',
  tag: 'clients',
  role: 'admin',
  scope: 'clients:write',
  body: batchSchema,
  confirmation: {
    when: FOR_ACCOUNTS,
    isNeeded: ({ body, services }) =>
      body.dry_run !== true && body.rows.some((row) => isServiceAccount(row, services.config)),
  },
  maxBodyBytes: MAX_IMPORT_BYTES,
  status: 200,
  response: reportSchema,
  async handle(call) {
    const { rows, dry_run: isDryRun = false } = call.body
    const checked = checkRows(rows, rowSchema, (row) => findRowProblems(row, call))
    const distinct = refuseRepeated(checked, (row) => row.client_id)
    const hashed = await addHashes(distinct)
    const plans = planRows(hashed, await findTaken(hashed, call))
    const results: Result[] = []
    for (const plan of plans) results.push(await carryOut(plan, { call, isDryRun }))
    if (!isDryRun) await tryToRenewOrigins(call)
    return { body: { dry_run: isDryRun, results } }
  },
})

export const CLIENT_IMPORT: readonly Operation[] = [importClients]

function findRowProblems(row: Row, call: Call) {
  const refusal = findReachRefusal(row, call)
  if (refusal !== null) return [{ path: 'api', message: refusal.message }]
  return findClientProblems(fromDraft(row), call.services.config)
}

type Verdict = Omit<Result, 'index'>

const EXISTS: Verdict = { status: 'exists', reason: 'the client id is taken', client_secret: null }

/** A valid row with the hash of its secret; null for a row without a secret. */
interface HashedRow {
  row: Row
  secretHash: string | null
}

/** The plan for a row: add a client, or only report a verdict. The dry run makes the same plan. */
type Plan = { index: number } & (HashedRow | { verdict: Verdict })

function refused(reason: string): Verdict {
  return { status: 'refused', reason, client_secret: null }
}

async function addHashes(rows: readonly CheckedRow<Row>[]): Promise<CheckedRow<HashedRow>[]> {
  return Promise.all(
    rows.map(async (checked) => {
      if (!isGood(checked)) return checked
      const { index, value: row } = checked
      const { client_secret: secret } = row
      const secretHash = secret === undefined ? null : await hashClientSecret(secret)
      return { index, value: { row, secretHash } }
    }),
  )
}

interface Taken {
  ids: ReadonlySet<string>
  secretHashes: ReadonlySet<string>
}

async function findTaken(rows: readonly CheckedRow<HashedRow>[], { services }: Call): Promise<Taken> {
  const good = rows.filter(isGood).map(({ value }) => value)
  return services.clientAdmin.findTaken({
    ids: good.map(({ row }) => row.client_id),
    secretHashes: good.flatMap(({ secretHash }) => (secretHash === null ? [] : [secretHash])),
  })
}

/** Plans each row in order. If two new clients have the same secret, the import adds only the first. */
function planRows(rows: readonly CheckedRow<HashedRow>[], { ids, secretHashes }: Taken): Plan[] {
  const used = new Set(secretHashes)
  return rows.map((checked): Plan => {
    const { index } = checked
    if (!isGood(checked)) return { index, verdict: refused(checked.refusal) }
    const { row, secretHash } = checked.value
    if (ids.has(row.client_id)) return { index, verdict: EXISTS }
    if (secretHash !== null && used.has(secretHash)) {
      return { index, verdict: refused(formatProblems([TAKEN_SECRET])) }
    }
    if (secretHash !== null) used.add(secretHash)
    return { index, row, secretHash }
  })
}

async function carryOut(plan: Plan, { call, isDryRun }: { call: Call; isDryRun: boolean }): Promise<Result> {
  const { index } = plan
  if ('verdict' in plan) return { index, ...plan.verdict }
  if (isDryRun) return { index, status: 'created', reason: null, client_secret: null }
  return { index, ...(await addClient(plan, call)) }
}

/** Adds each client in its own transaction. After a failure of the store, a repeated batch skips the added clients. */
async function addClient({ row, secretHash }: HashedRow, call: Call): Promise<Verdict> {
  const { services, context } = call
  const { client_secret: _brought, ...draft } = row
  const client = fromDraft(draft)
  const made = client.confidential && secretHash === null ? generateClientSecret() : null
  const hash = made === null ? secretHash : await hashClientSecret(made)
  const stored = hash === null ? null : { id: generateSecretId(), hash }
  const change = { operation: 'importClients', to: valuesOf(draft) }
  const event = adminEvent(call, 'the client was imported', { api: client.api, clientId: client.id, change })
  try {
    const start = { secret: stored, now: context.now }
    await services.clientAdmin.add(client, start, [services.audit.additionIfChanged(event, context)])
    return { status: 'created', reason: null, client_secret: made }
  } catch (error) {
    if (!(error instanceof ConstraintFailed) || isUnexpected(error)) throw error
    const problem = describeConstraint(error)
    return problem.path === 'client_id' ? EXISTS : refused(formatProblems([problem]))
  } finally {
    services.clients.forget(client.id)
  }
}

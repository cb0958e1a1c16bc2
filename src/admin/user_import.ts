import { needsHash } from '@sallyport/formats/schemes/conversion/self_describing'
import * as z from 'zod/mini'
import { HASH_COST } from '../clients/caller_budget.ts'
import { flag } from '../lib/input_schemas.ts'
import { FOR_ADMINS, isAdmin } from './confirmation.ts'
import { batchMembers, MAX_IMPORT_BYTES } from './import_rows.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { invalidContent } from './problem.ts'
import { named } from './schemas.ts'
import { planUsers } from './user_import_plan.ts'
import { carryOut } from './user_import_result.ts'

/** The most plain passwords and fast hashes in a batch. Each needs one Argon2id hash, which blocks the isolate. */
const MAX_HASHES = 20

const batchSchema = named(
  'UserImportBatch',
  z.strictObject({ ...batchMembers, replace_hashes: z.optional(flag), emails_verified: z.optional(flag) }),
)

const reportSchema = named(
  'UserImportReport',
  z.strictObject({
    dry_run: z.boolean(),
    results: z.array(
      z.strictObject({
        index: z.int(),
        status: z.enum(['created', 'updated', 'exists', 'refused']),
        reason: z.nullable(z.string()),
        id: z.nullable(z.string()),
      }),
    ),
  }),
)

const importUsers = operation({
  id: 'importUsers',
  method: 'POST',
  path: '/users/import',
  summary: `Imports users with a password, a hash of another system, or neither; at most ${MAX_HASHES} plain passwords and fast hashes. A repeated batch adds no user twice`,
  tag: 'users',
  role: 'admin',
  scope: 'users:write',
  body: batchSchema,
  confirmation: {
    when: `${FOR_ADMINS}, replaces hashes, or has verified email addresses`,
    isNeeded: (call) => call.body.dry_run !== true && isPowerful(call.body, call),
  },
  costOf: ({ body }) => (body.dry_run === true ? 0 : costOfRows(body.rows)),
  maxBodyBytes: MAX_IMPORT_BYTES,
  status: 200,
  response: reportSchema,
  async handle(call) {
    const { rows, dry_run: isDryRun = false, replace_hashes: replacesHashes = false } = call.body
    const { emails_verified: hasVerifiedEmails = false } = call.body
    checkHashCount(rows)
    const plans = await planUsers(rows, call, { isDryRun, replacesHashes, hasVerifiedEmails })
    return { body: { dry_run: isDryRun, results: await carryOut(plans, call, { isDryRun }) } }
  },
})

export const USER_IMPORT: readonly Operation[] = [importUsers]

/** Whether an import could create an admin, replace the password of an existing user, or vouch for an email address. */
function isPowerful(
  { rows, replace_hashes, emails_verified }: z.output<typeof batchSchema>,
  call: Call,
): boolean {
  return (
    replace_hashes === true || emails_verified === true || rows.some((row) => isAdmin(toDraft(row), call))
  )
}

/** The pool and the roles of an unchecked row. */
function toDraft({ pool, roles }: Record<string, unknown>) {
  const names = Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : []
  return { roles: names, ...(typeof pool === 'string' ? { pool } : {}) }
}

function costOfRows(rows: readonly Record<string, unknown>[]): number {
  const hashes = rows.filter(needsHash).length
  return rows.length - hashes + hashes * HASH_COST
}

/** @throws Problem 422 */
function checkHashCount(rows: readonly Record<string, unknown>[]): void {
  const count = rows.filter(needsHash).length
  if (count <= MAX_HASHES) return
  const message = `must have at most ${MAX_HASHES} plain passwords and fast hashes together`
  throw invalidContent([{ path: 'rows', message }])
}

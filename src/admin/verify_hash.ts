import * as z from 'zod/mini'
import { HASH_COST } from '../clients/caller_budget.ts'
import { requireImportedHash, UserRefused } from '../users/create_user.ts'
import { passwordForms } from '../users/password.ts'
import { type Operation, operation } from './operation.ts'
import { invalidContent } from './problem.ts'
import { named } from './schemas.ts'
import { password } from './user_schemas.ts'

/**
 * Checks a password against a hash before its import, with the code that a sign-in uses. The operation reads and writes no
 * user and uses one place in the hash queue. The log and the audit trail contain neither value.
 */
const verifyHash = operation({
  id: 'verifyHash',
  method: 'POST',
  path: '/users/import/verify',
  summary: 'Checks whether a password matches a hash before an import; changes nothing',
  tag: 'users',
  role: 'admin',
  scope: 'users:write',
  costOf: () => HASH_COST,
  body: named('HashVerification', z.strictObject({ password_hash: z.string('must be a hash'), password })),
  status: 200,
  response: named('HashVerdict', z.strictObject({ matches: z.boolean() })),
  async handle({ body, services }) {
    const { stored } = readHash(body.password_hash, services.passwords)
    const forms = passwordForms(body.password)
    return { body: { matches: forms !== null && (await services.passwords.verify(forms, stored)) } }
  },
})

export const VERIFY_HASH: readonly Operation[] = [verifyHash]

/** @throws Problem 422 */
function readHash(text: string, passwords: Parameters<typeof requireImportedHash>[1]) {
  try {
    return requireImportedHash(text, passwords)
  } catch (error) {
    if (!(error instanceof UserRefused)) throw error
    throw invalidContent([{ path: error.field, message: error.message }])
  }
}

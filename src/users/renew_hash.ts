import type { StoredHash } from '@sallyport/formats/schemes/hash_scheme'
import type { AuditStore } from '../audit/audit_store.ts'
import { auditSuccess } from '../audit/audit_success.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { runLater } from '../lib/request_context.ts'
import { encodePassword, passwordForms } from './password.ts'
import type { PasswordHasher } from './password_hash.ts'
import type { User } from './user.ts'
import type { UserStore } from './user_store.ts'

interface Dependencies {
  passwords: Pick<PasswordHasher, 'findOutdated' | 'hash'>
  users: Pick<UserStore, 'replaceHash'>
  audit: AuditStore
}

/**
 * Replaces the stored hash of a user after a sign-in, if its scheme or cost differs from new hashes. The response does not wait
 * for it. After a failure, the next sign-in tries again.
 *
 * The hash stays if its scheme ignores a part of this password (bcrypt reads 72 bytes, WordPress trims). The sign-in does not
 * verify the ignored part, which may be a typing error. A new hash would require the error at each sign-in.
 */
export function renewHash(
  user: User,
  password: string,
  request: ClientRequest,
  services: Dependencies,
): void {
  const { passwords, users } = services
  const { id: subject, passwordHash: from } = user
  const outdated = passwords.findOutdated(from)
  const bytes = encodePassword(password)
  if (outdated === null || bytes === null || !isProvenWhole(password, outdated)) {
    keepHash(user, request, users)
    return
  }
  runLater(request.context, 'rehash', async () => {
    const to = await passwords.hash(bytes)
    const isReplaced = await users.replaceHash(subject, { from, to })
    const reason = `the password hash was renewed; the old one was ${outdated.scheme} ${outdated.cost}`
    if (isReplaced) auditSuccess({ kind: 'rehash', reason, subject, sid: null }, request, services)
  })
}

/** Records that a sign-in has used the hash, so that no import may replace it. */
function keepHash(
  { id, passwordHash, isHashReplaceable }: User,
  { context }: ClientRequest,
  users: Dependencies['users'],
): void {
  if (!isHashReplaceable) return
  runLater(context, 'rehash', async () => {
    await users.replaceHash(id, { from: passwordHash, to: passwordHash })
  })
}

/** Whether the scheme reads every byte of each form of the password. */
function isProvenWhole(password: string, { ignoresPartOf }: Pick<StoredHash, 'ignoresPartOf'>): boolean {
  return passwordForms(password)?.every((form) => ignoresPartOf?.(form) !== true) ?? false
}

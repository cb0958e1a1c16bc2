import { runLater } from '../lib/request_context.ts'
import { encodePassword } from '../users/password.ts'
import type { User } from '../users/user.ts'
import { auditSuccess } from './audit_success.ts'
import type { ClientRequest, GrantServices } from './grant.ts'

/**
 * Stores today's hash where that of a person who has just proven their password is another scheme's or of another cost.
 * Nobody waits for the store, and whatever goes wrong costs nobody a sign-in: the next one tries again.
 */
export function renewHash(
  user: User,
  password: string,
  request: ClientRequest,
  services: Pick<GrantServices, 'passwords' | 'users' | 'audit'>,
): void {
  const { passwords, users } = services
  const { id: subject, passwordHash: from } = user
  const outdated = passwords.findOutdated(from)
  const bytes = encodePassword(password)
  if (outdated === null || bytes === null) return
  runLater(request.context, 'rehash', async () => {
    const to = await passwords.hash(bytes)
    const isReplaced = await users.replaceHash(subject, { from, to })
    const reason = `${outdated.scheme} ${outdated.cost} replaced`
    if (isReplaced) auditSuccess({ kind: 'rehash', reason, subject, sid: null }, request, services)
  })
}

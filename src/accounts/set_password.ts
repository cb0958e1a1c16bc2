import type { EditOutcome } from '../lib/edit.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { ConstraintFailed } from '../lib/storage_error.ts'
import type { Notifier } from '../mail/news.ts'
import { samePassword } from '../sessions/change_password.ts'
import type { SignOut } from '../sessions/sign_out.ts'
import type { BurstLimits } from '../storage/burst_limits.ts'
import { makePassword, type NewPassword, type PasswordDependencies } from '../users/create_user.ts'
import { passwordForms } from '../users/password.ts'
import type { PasswordHasher } from '../users/password_hash.ts'
import type { SignInGuard } from '../users/sign_in_guard.ts'
import type { UserEdit } from '../users/user_admin_store.ts'
import type { UserRecord } from '../users/user_record.ts'
import { searchTextOf } from '../users/user_search.ts'
import type { AccountLink, AccountLinks } from './account_links.ts'
import type { PasswordLinkData, PasswordLinkKind } from './link_kinds.ts'

/** A new password and the link that allows it. */
export interface LinkedPassword {
  kind: PasswordLinkKind
  token: string
  pool: string
  /** For the audit trail. The client is null on the pages. */
  api: string
  clientId: string | null
  password: string
}

interface Dependencies extends PasswordDependencies {
  links: AccountLinks
  passwords: Pick<PasswordHasher, 'hash' | 'verify'>
  signOut: Pick<SignOut, 'endUser'>
  guard: Pick<SignInGuard, 'release'>
  bursts: BurstLimits
  notifications: Notifier
}

const REASONS: Readonly<Record<PasswordLinkKind['purpose'], string>> = {
  reset_password: 'the password was set by a link',
  invitation: 'the password was set by an invitation',
}

/**
 * Sets a password by a link, and ends every session and browser session of the user. It signs no user in. A lock of the account after
 * wrong passwords ends, and a lock of its second factors stays. After a forgotten password the user gets a mail.
 *
 * @returns the user; null if the link cannot be used
 * @throws PasswordRefused, OAuthError too_many_attempts or temporarily_unavailable; StorageUnavailable, CorruptRecord
 */
export async function setPasswordByLink(
  linked: LinkedPassword,
  services: Dependencies,
  context: RequestContext,
): Promise<UserRecord | null> {
  const { kind, api, clientId } = linked
  await services.bursts.spend('guesses', 'new passwords by links', context)
  const link = await services.links.find(kind, linked, context.now)
  if (link === null) return null
  const { user } = link
  await refuseKnownPassword(user, linked.password, services)
  const occasion = { api, clientId, subject: user.id }
  const password = await makePassword(linked.password, services, { occasion, context })
  const outcome = await store(
    { link, password, reason: REASONS[kind.purpose], api, clientId, context },
    services,
  )
  if (outcome.kind !== 'changed') return null
  services.guard.release(user, context)
  // An invited user chooses the first password.
  if (kind.purpose === 'reset_password')
    services.notifications.send(occasion, { kind: 'password_changed' }, context)
  return outcome.record
}

/** Otherwise a required change could keep a password that another person knows. */
async function refuseKnownPassword(
  { mustChangePassword, passwordHash }: UserRecord,
  password: string,
  { passwords }: Dependencies,
): Promise<void> {
  const forms = passwordForms(password)
  if (mustChangePassword && forms !== null && (await passwords.verify(forms, passwordHash)))
    throw samePassword()
}

/** A new password that was accepted. */
interface AcceptedPassword {
  link: AccountLink<PasswordLinkData>
  password: NewPassword
  reason: string
  api: string
  clientId: string | null
  context: RequestContext
}

/**
 * Stores the password. The use of the link also verifies the address of its mail, unless another user of the pool has the same
 * verified address.
 */
async function store(accepted: AcceptedPassword, services: Dependencies): Promise<EditOutcome<UserRecord>> {
  const { user } = accepted.link
  const { email, email_verified: isVerified } = user.profile
  if (email === undefined || isVerified === true) return use(accepted, {}, services)
  const profile = { ...user.profile, email_verified: true }
  try {
    return await use(accepted, { profile, search: searchTextOf({ ...user, profile }) }, services)
  } catch (error) {
    if (!(error instanceof ConstraintFailed)) throw error
    return use(accepted, {}, services)
  }
}

async function use(
  { link, password, reason, api, clientId, context }: AcceptedPassword,
  profile: Pick<UserEdit, 'profile' | 'search'>,
  { links, signOut }: Dependencies,
): Promise<EditOutcome<UserRecord>> {
  const { user } = link
  const once = await links.spending(link, context.now)
  // A profile that another caller changed in this moment must not get its old texts back.
  const versions = profile.profile === undefined ? null : [user.version]
  const revocation = {
    reason,
    edit: { ...password, ...profile, mustChangePassword: false },
    conditions: { once, passwordHash: user.passwordHash, versions },
    event: { api, clientId },
  }
  return signOut.endUser(user.id, revocation, context)
}

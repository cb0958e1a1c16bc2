import type { AuditEvent } from '../audit/audit_event.ts'
import type { Config } from '../config/config.ts'
import type { EditOutcome } from '../lib/edit.ts'
import type { Notifier } from '../mail/news.ts'
import type { BreachedPasswords } from '../users/breaches/breached_passwords.ts'
import type { CommonPasswords } from '../users/common_passwords.ts'
import { makePassword, PasswordRefused, type PasswordSetting } from '../users/create_user.ts'
import { MAX_PASSWORD_CHARACTERS, normalizeText } from '../users/password.ts'
import type { PasswordHasher } from '../users/password_hash.ts'
import type { User } from '../users/user.ts'
import type { UserRecord } from '../users/user_record.ts'
import type { SignOut } from './sign_out.ts'

/** A change of the password by its user. */
export interface PasswordChange {
  user: User
  /** The password that the user proved. */
  current: string
  next: string
}

interface Dependencies {
  config: Pick<Config, 'apis' | 'minimumPasswordLength' | 'breachedPasswords'>
  passwords: Pick<PasswordHasher, 'hash'>
  commonPasswords: Pick<CommonPasswords, 'has'>
  breaches: Pick<BreachedPasswords, 'find'>
  signOut: Pick<SignOut, 'endUser'>
  notifications: Notifier
}

/**
 * Sets the new password of a user who proved the current one, and ends every session and browser session of the user. The new
 * password must differ from the current one: a required change would otherwise keep a password that another caller knows.
 * The user gets a mail.
 *
 * @param event Further members of the audit event, such as the operator.
 * @returns `refused` if another change of the password came first
 * @throws UserRefused, OAuthError temporarily_unavailable, StorageUnavailable, CorruptRecord
 */
export async function changePassword(
  { user, current, next }: PasswordChange,
  { event, ...setting }: PasswordSetting & { event: Partial<AuditEvent> },
  services: Dependencies,
): Promise<EditOutcome<UserRecord>> {
  if (normalize(next) === normalize(current)) throw samePassword()
  const password = await makePassword(next, services, setting)
  const revocation = {
    reason: 'the password was changed',
    edit: { ...password, mustChangePassword: false },
    // In two parallel changes, the second caller has not proved the password that the first change set.
    conditions: { passwordHash: user.passwordHash },
    event,
  }
  const outcome = await services.signOut.endUser(user.id, revocation, setting.context)
  const { api, clientId } = setting.occasion
  if (outcome.kind === 'changed')
    services.notifications.send(
      { subject: user.id, api, clientId },
      { kind: 'password_changed' },
      setting.context,
    )
  return outcome
}

export function samePassword(): PasswordRefused {
  return new PasswordRefused('same', 'choose a password that differs from the current one')
}

function normalize(text: string): string | null {
  return normalizeText(text, MAX_PASSWORD_CHARACTERS)
}

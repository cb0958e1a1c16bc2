/** The notices, by their names. The cookie contains only a name and a number of sessions. */
const NOTICES: ReadonlyMap<string, string> = new Map([
  ['client-saved', 'The client was saved.'],
  ['client-enabled', 'The client was enabled. It can get tokens again.'],
  ['client-disabled', 'The client was disabled, all its tokens were revoked, and SESSIONS ended.'],
  ['client-signed-out', 'All tokens of the client were revoked, and SESSIONS ended.'],
  ['client-deleted', 'The client was deleted.'],
  ['secret-retired', 'The secret was retired.'],
  ['user-created', 'The user was created and can sign in.'],
  ['user-invited', 'The user was created, and an invitation is on its way.'],
  ['password-reset-sent', 'A mail with a link to a new password is on its way.'],
  ['user-saved', 'The user was saved.'],
  ['user-enabled', 'The user was enabled and can sign in again.'],
  ['user-disabled', 'The user was disabled, and all sessions of the user were ended.'],
  ['user-signed-out', 'All sessions of the user were ended.'],
  ['user-erased', 'The user was erased. The personal data is removed from the audit trail within minutes.'],
  ['user-unlocked', 'The account was unlocked.'],
  ['no-session', 'The user has no recent session. Failed sign-ins are under “Events of this user”.'],
  ['user-deleted', 'The user was deleted. The audit trail keeps the id, networks, devices and countries.'],
  ['password-set', 'The password was set, and all sessions of the user were ended.'],
  ['password-change-required', 'The user must change the password at the next sign-in.'],
  ['session-ended', 'The session was ended.'],
  ['consent-withdrawn', 'The consent was withdrawn, and the sessions that began under it were ended.'],
  ['factor-removed', 'The factor was removed, and all sessions of the user were ended.'],
  ['factors-removed', 'All factors were removed, and all sessions of the user were ended.'],
  ['key-rotated', 'The next key is published. It starts to sign at the time in its row.'],
  [
    'key-pending',
    'Nothing was changed. The next key was already published, and its start time stays the same.',
  ],
  ['key-revoked', 'The key was revoked, with all tokens that it signed.'],
  ['own-password-set', 'Your password was changed, and your other sessions were ended.'],
])

/** The text of a notice with its number of sessions; null for an unknown name. */
export function findNotice({
  name,
  sessions = 'all sessions',
}: {
  name: string
  sessions?: string | undefined
}) {
  return NOTICES.get(name)?.replace('SESSIONS', sessions) ?? null
}

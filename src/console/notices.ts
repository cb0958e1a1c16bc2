/** What was done, by the name that the address has: no more than a name is ever taken from there. */
const NOTICES: ReadonlyMap<string, string> = new Map([
  ['client-saved', 'The client is saved.'],
  ['client-enabled', 'The client is enabled: it can ask for tokens again.'],
  ['client-disabled', 'The client is disabled, and every token that was issued to it is ended.'],
  ['client-signed-out', 'Every token that was issued to the client is ended.'],
  ['client-deleted', 'The client is deleted.'],
  ['secret-retired', 'The secret is retired.'],
  ['user-created', 'The user can sign in.'],
  ['user-saved', 'The user is saved.'],
  ['user-enabled', 'The user can sign in again.'],
  ['user-disabled', 'The user cannot sign in any more, and every session of theirs is ended.'],
  ['user-signed-out', 'Every session of the user is ended.'],
  ['user-deleted', 'The user is deleted. The audit trail keeps their id alone.'],
  ['password-set', 'The password is set, and every session of the user is ended.'],
  ['password-asked', 'The user will be asked for a new password.'],
  ['session-ended', 'The session is ended.'],
  ['key-rotated', 'The next key is published. It signs from the time that its row shows.'],
  ['key-pending', 'Nothing changed: the next key was published before, and its time stays.'],
  ['key-retired', 'The key is given up: all that it signed is refused.'],
  ['own-password-set', 'Your password is changed, and your other sessions are ended.'],
])

export function findNotice(name: string): string | null {
  return NOTICES.get(name) ?? null
}

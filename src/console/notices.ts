/** What was done, by the name that the address has: no more than a name is ever taken from there. */
const NOTICES: ReadonlyMap<string, string> = new Map([
  ['client-saved', 'The client is saved.'],
  ['client-enabled', 'The client is enabled: it can ask for tokens again.'],
  ['client-disabled', 'The client is disabled, and every token that was issued to it is ended.'],
  ['client-signed-out', 'Every token that was issued to the client is ended.'],
  ['client-deleted', 'The client is deleted.'],
  ['secret-retired', 'The secret is retired.'],
  ['person-created', 'The person can sign in.'],
  ['person-saved', 'The person is saved.'],
  ['person-enabled', 'The person can sign in again.'],
  ['person-disabled', 'The person cannot sign in any more, and every session of theirs is ended.'],
  ['person-signed-out', 'Every session of the person is ended.'],
  ['person-deleted', 'The person is deleted. The audit trail keeps their id alone.'],
  ['password-set', 'The password is set, and every session of the person is ended.'],
  ['password-asked', 'The person will be asked for a new password.'],
  ['session-ended', 'The session is ended.'],
  ['key-rotated', 'The next key is published. It signs from the time that its row shows.'],
  ['key-pending', 'Nothing changed: the next key was published before, and its time stays.'],
  ['key-retired', 'The key is given up: all that it signed is refused.'],
  ['own-password-set', 'Your password is changed, and your other sessions are ended.'],
])

export function findNotice(name: string): string | null {
  return NOTICES.get(name) ?? null
}

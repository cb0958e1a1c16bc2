/** Messages after a change, by the name in the address. The page never shows other text from the address. */
const NOTICES: ReadonlyMap<string, string> = new Map([
  ['client-saved', 'Client saved.'],
  ['client-enabled', 'Client enabled. It can get tokens again.'],
  ['client-disabled', 'Client disabled. All its tokens are revoked.'],
  ['client-signed-out', 'All tokens of the client are revoked.'],
  ['client-deleted', 'Client deleted.'],
  ['secret-retired', 'Secret retired.'],
  ['user-created', 'User created.'],
  ['user-saved', 'User saved.'],
  ['user-enabled', 'User enabled. The user can sign in again.'],
  ['user-disabled', 'User disabled. All sessions of the user have ended.'],
  ['user-signed-out', 'All sessions of the user have ended.'],
  ['user-deleted', 'User deleted. The audit trail keeps the user id.'],
  ['password-set', 'Password set. All sessions of the user have ended.'],
  ['password-asked', 'A new password is now required.'],
  ['session-ended', 'Session ended.'],
  ['key-rotated', 'The next key is published. The table shows when it starts to sign.'],
  ['key-pending', 'Nothing changed. The next key was already published, and its time stays.'],
  ['key-retired', 'Key retired. All tokens that it signed are refused.'],
  ['own-password-set', 'Password changed. Your other sessions have ended.'],
])

export function findNotice(name: string): string | null {
  return NOTICES.get(name) ?? null
}

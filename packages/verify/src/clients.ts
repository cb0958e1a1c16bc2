import { invalidToken } from './refusal.ts'

/** One client id or several. */
export type ClientIds = string | readonly string[]

/** @returns Null if every client is accepted. @throws TypeError if the value is not a client id or a list of them */
export function readClientIds(value: ClientIds | undefined): readonly string[] | null {
  if (value === undefined) return null
  const ids: readonly unknown[] = typeof value === 'string' ? [value] : value
  const isList =
    Array.isArray(ids) && ids.length > 0 && ids.every((id) => typeof id === 'string' && id !== '')
  if (!isList) throw new TypeError('clientId must be a client id or a list of client ids')
  return ids as readonly string[]
}

/**
 * Checks that the token was issued to an accepted client (RFC 9068 §4). A platform cannot use the token of another platform.
 *
 * @throws Refusal 401
 */
export function checkClient(clientId: string, accepted: readonly string[] | null): void {
  if (accepted !== null && !accepted.includes(clientId))
    throw invalidToken('it was issued to a client that this request does not accept')
}

import { invalidToken } from './refusal.ts'

/** One client id or several. */
export type ClientIds = string | readonly string[]

/**
 * Reads the option `clientId`. An undefined value is refused: a missing client id must not accept every client.
 *
 * @returns Null if the option is absent
 * @throws TypeError if the option is not a client id or a list of them
 */
export function readClientIds(options: { clientId?: unknown }): readonly string[] | null {
  if (!('clientId' in options)) return null
  const ids = typeof options.clientId === 'string' ? [options.clientId] : options.clientId
  const isList =
    Array.isArray(ids) && ids.length > 0 && ids.every((id) => typeof id === 'string' && id !== '')
  if (!isList) throw new TypeError('clientId must be a client id or a list of client ids')
  return ids
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

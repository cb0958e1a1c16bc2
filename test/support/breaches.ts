import { decodeJwt } from 'jose'
import { onTestFinished, vi } from 'vitest'
import type { User } from '../../src/users/user.ts'
import { RangeServer } from './range_server.ts'
import { PASSWORD, TestServer } from './server.ts'
import { databaseOf } from './user_databases.ts'

export const RANGE_URL = 'https://breaches.test/range/'

/** A password that is not on the list, unless a test adds it. */
export const FRESH = 'never seen in any breach'

/** Responds to the outgoing requests of the Worker. */
function reachable(ranges: RangeServer): RangeServer {
  vi.stubGlobal('fetch', (url: string, init?: RequestInit) => ranges.answer(new Request(url, init)))
  onTestFinished(() => void vi.unstubAllGlobals())
  return ranges
}

/** A server with a breach service whose list has the password of `addUser`, and a client for customers. */
export async function breachScene(
  settings: Record<string, unknown> = {},
  options: { env?: Partial<Cloudflare.Env> } = {},
) {
  const ranges = reachable(new RangeServer([PASSWORD]))
  const server = new TestServer({
    config: { breached_passwords: { range_url: RANGE_URL, ...settings } },
    ...options,
  })
  return { ranges, server, client: await server.addClient() }
}

/** The claims that depend on the password. */
export function claimsOf({ access_token: token }: { access_token: string }) {
  const { scope, roles, must_change_password, password_breached } = decodeJwt(token)
  return { scope, roles, must_change_password, password_breached }
}

/** The whole scope of the client. */
export const SCOPE = 'cart orders catalog'
export const NOTHING_SAID = { must_change_password: undefined, password_breached: undefined }
export const CLAIMED = { must_change_password: undefined, password_breached: true }
export const HELD = {
  scope: undefined,
  roles: undefined,
  must_change_password: true,
  password_breached: true,
}

/** The stored result for the password of a user. */
export function breachRowOf({ id }: Pick<User, 'id'>) {
  return databaseOf(id)
    .prepare('SELECT breach_checked_at, password_breached FROM users WHERE id = ?')
    .bind(id)
    .first()
}

/** The response to a new password that is breached. */
export const REFUSED = [
  { path: 'password', message: 'the password is in a list of known breaches: choose another password' },
]

import { env } from 'cloudflare:workers'
import type { AroundCall } from './around_d1.ts'
import { CODE_CLIENT, exchangeOf } from './authorize.ts'
import { type TestClient, TestServer } from './server.ts'
import { IN_STRICT_OBJECTS } from './session_objects.ts'
import { IN_ONE_DATABASE } from './user_databases.ts'

/** New customers are in USERS_1, and each refresh reads the user. */
export const CONFIG = { ...IN_ONE_DATABASE, ...IN_STRICT_OBJECTS }

/** The parts of an exchange by their SQL: the row of the session, the check of the user or the client, and the index. */
export const ROW = 'INSERT INTO sessions'
export const CHECK = 'AS problem'
export const INDEX = 'INSERT INTO session_index'

/** A user of USERS_1, a first-party client, and isolates whose stores a test wraps. */
export async function newScene(config: Record<string, unknown> = {}) {
  const all = { ...CONFIG, ...config }
  const near = new TestServer({ config: all })
  const client = await near.addClient(CODE_CLIENT)
  const user = await near.addUser()
  const isolate = (stores: Partial<Cloudflare.Env> = {}) =>
    new TestServer({ config: all, clock: near.clock, env: stores })
  return { near, client, user, isolate }
}

/** Runs an action once, before or after the first call with a text. */
export function once(text: string, when: 'before' | 'after', action: () => Promise<unknown>): AroundCall {
  let isDone = false
  return async (sql, call) => {
    const isNow = !isDone && sql.includes(text)
    if (isNow) isDone = true
    if (isNow && when === 'before') await action()
    const result = await call()
    if (isNow && when === 'after') await action()
    return result
  }
}

/** Exchanges a code. @returns the status and the members of the response */
export async function exchange(server: TestServer, client: TestClient, code: string | null) {
  const response = await server.postJson(exchangeOf(client, code))
  const body = await response.json<{ error?: string; access_token?: string; refresh_token?: string }>()
  await server.settle()
  return { status: response.status, ...body }
}

/** The number of rows of a session in the index. */
export async function indexed(sid: string): Promise<number> {
  const { results } = await env.DB.prepare('SELECT sid FROM session_index WHERE sid = ?').bind(sid).all()
  return results.length
}

import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { pause } from '../src/lib/pause.ts'
import { type AroundCall, aroundD1 } from './support/around_d1.ts'
import { aroundObjects } from './support/around_objects.ts'
import { auditOf } from './support/audit.ts'
import { credentials, emptyStores, ISSUER, TestServer } from './support/server.ts'
import { describeStores } from './support/session_stores.ts'

/** Longer than any other work after a response. */
const A_WHILE_MS = 100

const LOOK = 'FROM users WHERE pool = ?3'
const COUNT = '(kind, key, failures, failed_at'
const END = 'SET ended_at = ?6, end_reason'

/** Stores that delay the `nth` call with a text until the test releases it. */
function holding(text: string, nth: number) {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let calls = 0
  const around: AroundCall = async (sql, call) => {
    if (sql.includes(text) && ++calls === nth) {
      reached.resolve()
      await released.promise
    }
    return call()
  }
  const env = { DB: aroundD1(around), SESSION_OBJECTS: aroundObjects(around) }
  return { env, reached: reached.promise, release: released.resolve }
}

/**
 * Sends a request whose caller disconnects when the delayed call starts. From then on the runtime keeps alive only what the
 * request has passed to `waitUntil`.
 *
 * @returns whether `waitUntil` keeps the call alive
 */
async function sendAndHangUp(
  server: TestServer,
  parameters: Record<string, unknown>,
  [text, nth]: readonly [text: string, nth: number],
): Promise<boolean> {
  const held = holding(text, nth)
  const isolate = new TestServer({ clock: server.clock, env: held.env })
  const headers = { 'Content-Type': 'application/json' }
  const init = { method: 'POST', headers, body: JSON.stringify(parameters) }
  const response = isolate.answer(new Request(`${ISSUER}/oauth2-token`, init))
  await held.reached
  let isOver = false
  const settled = isolate.settle().then(() => {
    isOver = true
  })
  await pause(A_WHILE_MS)
  const isKept = !isOver
  held.release()
  await settled
  await response
  return isKept
}

beforeEach(emptyStores)

describe('a caller that disconnects', () => {
  it.each([
    ['the second read of the account', [LOOK, 2]],
    ['the write that counts', [COUNT, 1]],
  ] as const)('after a wrong password does not keep the failure from the count: %s', async (_, held) => {
    const server = new TestServer()
    const client = await server.addClient()
    const { username } = await server.addUser()
    const guess = { grant_type: 'password', ...credentials(client), username, password: 'a guess' }
    expect(await sendAndHangUp(server, guess, held)).toBe(true)
    const failures = "SELECT failures FROM sign_in_failures WHERE kind = 'account'"
    expect(await env.DB.prepare(failures).first('failures')).toBe(1)
  })
})

describeStores('a thief that disconnects', () => {
  it('a replayed refresh token ends its session also if the caller disconnects', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const { username } = await server.addUser()
    const { refresh_token: stolen } = await server.signIn(client, username)
    const { refresh_token: next } = await server.refresh(client, stolen)
    server.clock.time += 3600
    const replay = { grant_type: 'refresh_token', ...credentials(client), refresh_token: stolen }
    expect(await sendAndHangUp(server, replay, [END, 1])).toBe(true)
    expect(await auditOf({ kind: 'theft' })).toHaveLength(1)
    await expect(server.refresh(client, next)).rejects.toThrow('invalid_grant')
  })
})

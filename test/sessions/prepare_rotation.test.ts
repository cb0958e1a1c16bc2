import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { HOLDER_KNOWLEDGE_SECONDS } from '../../src/storage/copy_ages.ts'
import { aroundObjects, PREPARE } from '../support/around_objects.ts'
import { credentials, emptyStores, type TestClient, TestServer } from '../support/server.ts'
import { readSession } from '../support/session_stores.ts'

const { max } = HOLDER_KNOWLEDGE_SECONDS
const IN_ONE_OBJECT = { session_objects: { per_market: 1 } }

/** An isolate with a customer's refresh token, and the calls of the isolate to session objects. */
async function newScene() {
  const calls: string[] = []
  const SESSION_OBJECTS = aroundObjects((what, call) => {
    calls.push(what)
    return call()
  })
  const server = new TestServer({ config: IN_ONE_OBJECT, env: { SESSION_OBJECTS } })
  const client = await server.addClient()
  const { username } = await server.addUser()
  const first = await server.signIn(client, username)
  const { refresh_token: token = '' } = await server.refresh(client, first.refresh_token)
  calls.length = 0
  return { server, client, token, calls }
}

function refresh(server: TestServer, client: TestClient, token: string): Promise<Response> {
  return server.postJson({ grant_type: 'refresh_token', refresh_token: token, ...credentials(client) })
}

describe('the early read of the lists of a session object', () => {
  beforeEach(emptyStores)

  it.each([
    [max, 0],
    [max + 1, 1],
  ])('after a pause of %i s, a refresh starts %i early reads', async (pause, count) => {
    const { server, client, token, calls } = await newScene()
    server.clock.time += pause
    expect((await refresh(server, client, token)).status).toBe(200)
    expect(calls.filter((call) => call === PREPARE)).toHaveLength(count)
    expect(calls).toHaveLength(count + 1)
  })

  it('a token with a changed signature reaches no object', async () => {
    const { server, client, token, calls } = await newScene()
    server.clock.time += max + 1
    const [header, payload, signature = ''] = token.split('.')
    const changed = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
    expect((await refresh(server, client, `${header}.${payload}.${changed}`)).status).toBe(400)
    expect(calls).toEqual([])
  })

  it('a new isolate starts no early read, because it has no key in memory', async () => {
    const { server, client, token, calls } = await newScene()
    const isolate = server.anotherIsolate()
    expect((await refresh(isolate, client, token)).status).toBe(200)
    expect(calls).not.toContain(PREPARE)
  })

  it('a token of a revoked key that is in memory is refused, and its session stays as it was', async () => {
    const { server, client, token, calls } = await newScene()
    const { sid } = decodeJwt<{ sid: string }>(token)
    const other = server.anotherIsolate()
    const { kid } = await other.services.keys.current(other.context())
    const operator = { subject: 'user:1', clientId: 'sallyport-cli' }
    await other.services.keyLife.revokeCompromised(kid, other.context(), operator)
    await other.settle()
    server.clock.time += max + 1
    expect((await refresh(server, client, token)).status).toBe(400)
    expect(calls).toEqual([PREPARE])
    expect(await readSession(sid, 'seq, ended_at')).toEqual([{ seq: 1, ended_at: null }])
  })
})

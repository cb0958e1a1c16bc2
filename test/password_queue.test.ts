import { describe, expect, it } from 'vitest'
import { importUser } from '../src/users/create_user.ts'
import { credentials, DEFAULT_COST, PASSWORD, type TestClient, TestServer } from './support/server.ts'

const BUSY = {
  error: 'temporarily_unavailable',
  error_description: 'The service is not available now. Try again shortly.',
}

const signIn = (server: TestServer, client: TestClient, username: string, password = PASSWORD) =>
  server.postJson({ grant_type: 'password', ...credentials(client), username, password })

const statuses = (responses: Response[]) => responses.map(({ status }) => status).sort()

async function newScene(password_queue: Record<string, number>) {
  const server = new TestServer({ config: { ...DEFAULT_COST, password_queue } })
  return { server, client: await server.addClient(), user: await server.addUser() }
}

describe('parallel sign-ins', () => {
  it('parallel sign-ins get 503 with Retry-After above the length of the queue, and a retry succeeds', async () => {
    const { server, client, user } = await newScene({ length: 2 })
    const responses = await Promise.all(
      Array.from({ length: 6 }, () => signIn(server, client, user.username)),
    )
    const busy = responses.filter(({ status }) => status === 503)
    expect(statuses(responses)).toEqual([
      ...Array(6 - busy.length).fill(200),
      ...Array(busy.length).fill(503),
    ])
    expect(busy.length).toBeGreaterThan(0)
    for (const response of busy) {
      expect(response.headers.get('Retry-After')).toBe('1')
      expect(response.headers.get('Cache-Control')).toBe('no-store, no-transform')
      expect(await response.json()).toEqual(BUSY)
    }
    await server.signIn(client, user.username)
  })

  it('parallel sign-ins count a hash of another system with its own duration', async () => {
    const { server, client } = await newScene({ seconds: 1 })
    const draft = {
      pool: 'customers',
      roles: [],
      enabled: true,
      username: `${crypto.randomUUID()}@example.com`,
    }
    const user = await importUser(
      { ...draft, passwordHash: `$2y$13$${'a'.repeat(53)}` },
      server.services,
      server.clock.time,
    )
    await server.services.userAdmin.add([{ ...user, profile: {} }], [])
    const responses = await Promise.all([1, 2, 3].map(() => signIn(server, client, user.username, 'wrong')))
    expect(statuses(responses)).toEqual([400, 400, 503])
  })

  it('parallel sign-ins leave room for machine tokens, guests, refreshes and the JWKS between two hashes', async () => {
    const { server, client, user } = await newScene({ length: 9 })
    const { refresh_token } = await server.signIn(client, user.username)
    const finished: string[] = []
    const note = async (name: string, answer: Promise<Response>) => {
      expect((await answer).status).toBe(200)
      finished.push(name)
    }
    const post = (parameters: Record<string, unknown>) =>
      server.postJson({ ...credentials(client), ...parameters })
    await Promise.all([
      ...Array.from({ length: 8 }, () => note('sign-in', signIn(server, client, user.username))),
      note('machine', post({ grant_type: 'client_credentials' })),
      note('guest', post({ grant_type: 'password', username: 'guest', password: 'guest' })),
      note('refresh', post({ grant_type: 'refresh_token', refresh_token })),
      note('jwks', server.fetch('/.well-known/jwks.json')),
    ])
    const signInsBefore = (name: string) =>
      finished.slice(0, finished.indexOf(name)).filter((other) => other === 'sign-in').length
    expect(['machine', 'guest', 'refresh', 'jwks'].map((name) => [name, signInsBefore(name) < 8])).toEqual([
      ['machine', true],
      ['guest', true],
      ['refresh', true],
      ['jwks', true],
    ])
  })
})

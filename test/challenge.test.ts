import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { compact } from '../src/lib/compact.ts'
import { auditOf } from './support/audit.ts'
import { CHALLENGE_SECRET, ChallengeServer, VERIFY_URL } from './support/challenge_server.ts'
import { TestOperator } from './support/operator.ts'
import { credentials, emptyStores, ISSUER, PASSWORD, type TestClient, TestServer } from './support/server.ts'

const REQUIRED = {
  error: 'challenge_required',
  error_description: 'Solve a challenge and send its response as challenge_response.',
}
const WRONG = { error: 'invalid_grant', error_description: 'The user credentials were incorrect.' }
const AWAY = {
  error: 'temporarily_unavailable',
  error_description: 'The service is not available now. Try again shortly.',
}
const HERE = '203.0.113.7'
const ELSEWHERE = '198.51.100.9'

async function newScene(
  settings: Record<string, unknown> = {},
  secret: string | undefined = CHALLENGE_SECRET,
) {
  const challenges = ChallengeServer.start()
  const server = new TestServer(
    compact({
      config: { challenge: { verify_url: VERIFY_URL, ...settings } },
      env: secret === undefined ? undefined : { CHALLENGE_SECRET: secret },
    }),
  )
  return { challenges, server, client: await server.addClient(), user: await server.addUser() }
}

interface Try {
  username: string
  password?: string
  address?: string
  response?: unknown
}

async function attempt(server: TestServer, client: TestClient, sent: Try) {
  const { username, password = PASSWORD, address = HERE, response } = sent
  const parameters = compact({
    username,
    password,
    challenge_response: response,
  })
  const answer = await server.postJson(
    { grant_type: 'password', ...credentials(client), ...parameters },
    { 'CF-Connecting-IP': address },
  )
  return {
    status: answer.status,
    headers: answer.headers,
    body: await answer.json<Record<string, unknown>>(),
  }
}

async function statusAndBody(...parameters: Parameters<typeof attempt>) {
  const { status, body } = await attempt(...parameters)
  return [status, body]
}

beforeEach(emptyStores)

describe('a challenge', () => {
  it('a challenge is never required if config.yml has none', async () => {
    const challenges = ChallengeServer.start()
    const server = new TestServer()
    const [client, { username }] = [await server.addClient(), await server.addUser()]
    expect((await attempt(server, client, { username, password: 'wrong' })).status).toBe(400)
    expect((await attempt(server, client, { username, response: 'anything' })).status).toBe(200)
    expect(challenges.asked).toEqual([])
  })

  it('a challenge is not required of a sign-in without recent failures, nor of another grant', async () => {
    const { challenges, server, client, user } = await newScene()
    expect((await attempt(server, client, user)).status).toBe(200)
    await attempt(server, client, { username: 'nobody@example.com', password: 'wrong' })
    await server.signIn(client, 'guest', 'guest')
    await server.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
    expect(challenges.asked).toEqual([])
  })

  it.each([
    ['the account failed', (name: string) => ({ username: name, address: ELSEWHERE })],
    ['the address failed', () => ({ username: 'somebody.else@example.com', address: HERE })],
  ])('a challenge is required if %s, before the password is checked', async (_case, failing) => {
    const { challenges, server, client, user } = await newScene()
    const { username } = user
    expect(await statusAndBody(server, client, { ...failing(username), password: 'wrong' })).toEqual([
      400,
      WRONG,
    ])
    for (const password of [PASSWORD, 'wrong']) {
      const { status, headers, body } = await attempt(server, client, { username, password })
      expect([status, body]).toEqual([400, REQUIRED])
      expect(headers.get('Cache-Control')).toContain('no-store')
    }
    expect(challenges.asked).toEqual([])
    const response = challenges.solve()
    expect((await attempt(server, client, { username, response })).status).toBe(200)
    expect(challenges.asked).toEqual([{ secret: CHALLENGE_SECRET, response }])
  })

  it('a challenge is accepted once, and a wrong password gets the usual response', async () => {
    const { challenges, server, client, user } = await newScene()
    const { username } = user
    await attempt(server, client, { username, password: 'wrong' })
    const response = challenges.solve()
    expect(await statusAndBody(server, client, { username, password: 'wrong', response })).toEqual([
      400,
      WRONG,
    ])
    expect(await statusAndBody(server, client, { username, response })).toEqual([400, REQUIRED])
  })

  it.each([
    ['empty', ''],
    ['made up', 'made-up'],
    ['too long', 'x'.repeat(8193)],
    ['of other characters', 'ä b'],
  ])('a challenge is not solved by a response that is %s', async (_case, response) => {
    const { server, client, user } = await newScene()
    await attempt(server, client, { ...user, password: 'wrong' })
    expect(await statusAndBody(server, client, { username: user.username, response })).toEqual([
      400,
      REQUIRED,
    ])
  })

  it('a challenge is required in the same way for an unknown username, and after a successful sign-in', async () => {
    const { challenges, server, client, user } = await newScene()
    const unknown = { username: 'nobody@example.com' }
    for (const { username } of [user, unknown]) {
      const failing = { username, password: 'wrong', address: `2001:db8:${username.length}::1` }
      expect(await statusAndBody(server, client, failing)).toEqual([400, WRONG])
    }
    const owner = { username: user.username, address: '192.0.2.1', response: challenges.solve() }
    expect((await attempt(server, client, owner)).status).toBe(200)
    const stranger = { password: 'guess', address: '192.0.2.99' }
    for (const username of [user.username, unknown.username])
      expect(await statusAndBody(server, client, { ...stranger, username })).toEqual([400, REQUIRED])
  })

  it('a challenge counts no failure and writes no row if it is not solved', async () => {
    const { server, client, user } = await newScene()
    for (let i = 0; i < 30; i++) await attempt(server, client, { ...user, password: `guess ${i}` })
    const failures = await auditOf({ kind: 'sign_in_failure' })
    expect([failures.length, await auditOf({ kind: 'lock' })]).toEqual([1, []])
  })

  it('a challenge does not end a lock', async () => {
    const { challenges, server, client, user } = await newScene()
    const { username } = user
    for (let i = 0; i < 10; i++)
      await attempt(server, client, { username, password: 'wrong', response: challenges.solve() })
    expect(await statusAndBody(server, client, { username, response: challenges.solve() })).toEqual([
      400,
      WRONG,
    ])
  })

  it('a challenge is not required of operators, because the console and the command line have none', async () => {
    const { server } = await newScene()
    const operator = await TestOperator.signIn(server)
    await expect(operator.signInAgain('wrong')).rejects.toThrow('invalid_grant')
    await operator.signInAgain()
  })

  it('a challenge requires its secret: without it every request gets 500, and the log names the secret', async () => {
    const challenge = { verify_url: VERIFY_URL }
    expect(() => new TestServer({ config: { challenge }, env: { CHALLENGE_SECRET: '' } })).toThrow(
      'the secret CHALLENGE_SECRET is missing: `challenge` in config.yml needs it',
    )
  })
})

const silent = ({ signal }: Request) =>
  new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
const broken =
  (text: string, status = 200) =>
  () =>
    new Response(text, { status })
const DOWN = [
  ['is down', 'status 503', broken('', 503)],
  ['wants us slower', 'status 429', broken('', 429)],
  ['has moved', 'status 302', () => Response.redirect('https://elsewhere.test/', 302)],
  ['cannot be reached', 'no connection', () => Promise.reject(new Error(`fetch ${ISSUER} failed`))],
  ['sends a page', 'the response is malformed', broken('<!doctype html>')],
  ['sends too much', 'the response is too long', broken('x'.repeat(70_000))],
  ['does not answer', 'timeout', silent],
  ['has an error', 'internal-error', broken('{"success":false,"error-codes":["internal-error"]}')],
  [
    'does not know our secret',
    'invalid-input-secret',
    broken('{"success":false,"error-codes":["invalid-input-secret"]}'),
  ],
] as const

describe('an outage of the challenge service', () => {
  it.each(DOWN)(
    'while the challenge service %s, sign-ins continue with `open` and get 503 with `closed`',
    async (_case, reason, fault) => {
      const lines: string[] = []
      const spy = vi.spyOn(console, 'warn').mockImplementation((line: string) => void lines.push(line))
      onTestFinished(() => spy.mockRestore())
      for (const [when_down, expected] of [
        ['open', 200],
        ['closed', 503],
      ] as const) {
        const { challenges, server, client, user } = await newScene({ when_down, timeout: 1 })
        const { username } = user
        await attempt(server, client, { username, password: 'wrong' })
        challenges.fault = fault
        const response = challenges.solve()
        const first = await attempt(server, client, { username, response })
        expect(first.status).toBe(expected)
        if (expected === 503) {
          expect([first.body, first.headers.get('Retry-After')]).toEqual([AWAY, '2'])
        }
        // For 30 s the isolate sends no request, also for a sign-in without a challenge response.
        expect((await attempt(server, client, { username })).status).toBe(expected)
        expect(challenges.asked).toHaveLength(1)
        server.clock.time += 30
        challenges.fault = null
        expect(await statusAndBody(server, client, { username })).toEqual([400, REQUIRED])
        expect((await attempt(server, client, { username, response: challenges.solve() })).status).toBe(200)
      }
      const written = lines
        .map((line) => JSON.parse(line))
        .filter(({ event }) => event === 'challenge_service_failed')
      expect(written.map((line) => line.reason)).toEqual([reason, reason])
      expect(lines.join()).not.toContain(CHALLENGE_SECRET)
    },
  )

  it('while the challenge service is down, only a correct password signs in', async () => {
    const { challenges, server, client, user } = await newScene()
    await attempt(server, client, { ...user, password: 'wrong' })
    challenges.fault = broken('', 503)
    const guess = { username: user.username, password: 'wrong', response: challenges.solve() }
    expect(await statusAndBody(server, client, guess)).toEqual([400, WRONG])
  })

  it.each([400, 413, 414, 422])(
    'the challenge counts as not solved if the challenge service refuses the request with %i',
    async (status) => {
      const { challenges, server, client, user } = await newScene()
      await attempt(server, client, { ...user, password: 'wrong' })
      challenges.fault = broken('a page', status)
      const sent = { username: user.username, response: challenges.solve() }
      expect(await statusAndBody(server, client, sent)).toEqual([400, REQUIRED])
    },
  )
})

import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checkAnswer } from '../support/fuzz_checks.ts'
import {
  challengeParameters,
  pushedParameters,
  questionParameters,
  tokenParameters,
} from '../support/fuzz_parameters.ts'
import {
  CLIENT_ORIGIN,
  CONFIG_ORIGIN,
  type FuzzRequest,
  type Known,
  namesUrl,
  postTo,
  preflight,
  requestTo,
  unknownPath,
  WITH_AGENTS,
} from '../support/fuzz_requests.ts'
import { FUZZ_TIMEOUT_MS, fuzz, fuzzRuns } from '../support/fuzz_run.ts'
import { FuzzServer, Witness } from '../support/fuzz_server.ts'
import { wildText } from '../support/fuzz_text.ts'
import { credentials, ISSUER } from '../support/server.ts'

/** The paths for GET, with the number of inputs for each. */
const READ: [string, number][] = [
  ['/.well-known/jwks.json', 250],
  ['/revocations', 250],
  ['/.well-known/oauth-authorization-server', 150],
  ['/.well-known/openid-configuration', 150],
  ['/.well-known/webauthn', 150],
  ['/health', 150],
  ['/health/ready', 150],
  ['/', 150],
]

const POSTED = [
  '/oauth2-token',
  '/oauth2-token/challenge',
  '/oauth2-token/par',
  '/oauth2-token/revoke',
  '/oauth2-token/introspect',
]

const PATHS = [...POSTED, ...READ.map(([path]) => path)]

let fuzzed: FuzzServer
let known: Known
let witness: Witness

beforeAll(async () => {
  fuzzed = new FuzzServer({ config: WITH_AGENTS })
  known = await fuzzed.makeKnown()
  await fuzzed.fetchDocuments()
  witness = await Witness.begin(fuzzed.server)
})

afterEach(() => witness.testify())
afterAll(() => fuzzed.restore())

async function send(
  request: FuzzRequest,
  where?: string,
): Promise<{ status: number; origin: string | null; body: () => unknown }> {
  const exchange = await fuzzed.exchange(request, where)
  checkAnswer(exchange)
  const origin = exchange.headers.get('Access-Control-Allow-Origin')
  return { status: exchange.status, origin, body: () => JSON.parse(exchange.text) }
}

describe('a malformed request', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it.each(READ.map(([path, usual]) => [fuzzRuns(usual), path] as const))(
    'the response is a documented one: %i inputs to %s',
    (runs, path) =>
      fuzz(requestTo(fc.constant(path), known), runs, async (request) => {
        await send(request)
      }),
  )

  it.each(POSTED.map((path) => [fuzzRuns(250), path] as const))(
    'the response is a documented one: %i inputs with any method to %s',
    (runs, path) =>
      fuzz(requestTo(fc.constant(path), known), runs, async (request) => {
        await send(request)
      }),
  )

  it(`the response is a documented one: ${fuzzRuns(3000)} posts to /oauth2-token`, () =>
    fuzz(postTo('/oauth2-token', tokenParameters(known), known), fuzzRuns(3000), async (request) => {
      const { status, body } = await send(request)
      if (status === 200) expect(body()).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
    }))

  it(`no input signs a user in by steps: ${fuzzRuns(800)} posts to /oauth2-token/challenge`, () =>
    fuzz(
      postTo('/oauth2-token/challenge', challengeParameters(known), known),
      fuzzRuns(800),
      async (request) => {
        expect((await send(request)).status).not.toBe(200)
      },
    ))

  it(`the response is a documented one: ${fuzzRuns(800)} pushed authorization requests`, () =>
    fuzz(postTo('/oauth2-token/par', pushedParameters(known), known), fuzzRuns(800), async (request) => {
      const { status, body } = await send(request)
      if (status === 201) expect(body()).toEqual({ request_uri: expect.any(String), expires_in: 60 })
    }))

  it(`the request revokes nothing: ${fuzzRuns(800)} posts to /oauth2-token/revoke`, () =>
    fuzz(postTo('/oauth2-token/revoke', questionParameters(known), known), fuzzRuns(800), async (request) => {
      const { status, body } = await send(request)
      if (status === 200) expect(body()).toEqual({})
    }))

  it(`the response is inactive: ${fuzzRuns(800)} posts to /oauth2-token/introspect`, () =>
    fuzz(
      postTo('/oauth2-token/introspect', questionParameters(known), known),
      fuzzRuns(800),
      async (request) => {
        const { status, body } = await send(request)
        if (status === 200) expect(body()).toEqual({ active: false })
      },
    ))

  it(`an unknown path gets 404: ${fuzzRuns(500)} inputs`, () =>
    fuzz(requestTo(unknownPath, known), fuzzRuns(500), async (request) => {
      const { status } = await send(request, 'unknown paths')
      expect(status).toBe(request.url.startsWith(`${ISSUER}/`) ? 404 : 421)
    }))

  it(`the response follows errors: oro: ${fuzzRuns(600)} posts to /oauth2-token`, async () => {
    const oro = new FuzzServer({ config: { errors: 'oro' } })
    await fuzz(postTo('/oauth2-token', tokenParameters(known), known), fuzzRuns(600), async (request) => {
      const exchange = await oro.exchange(request)
      // A client whose id is a URL always gets the errors of RFC 6749.
      const isOwn = namesUrl(request) && !exchange.text.includes('"message"')
      checkAnswer(exchange, isOwn ? 'rfc6749' : 'oro')
      fuzzed.counts.add('/oauth2-token (oro)')
    })
    oro.restore()
  })

  it(`CORS allows only known origins: ${fuzzRuns(600)} preflights`, () =>
    fuzz(fc.tuple(fc.constantFrom(...PATHS), preflight), fuzzRuns(600), async ([path, headers]) => {
      const request = { method: 'OPTIONS', url: ISSUER + path, headers, body: null }
      const { status, origin } = await send(request, 'preflights')
      const isKnown = [CLIENT_ORIGIN, CONFIG_ORIGIN].includes(headers.Origin ?? '')
      expect([status, origin]).toEqual([204, isKnown ? headers.Origin : null])
    }))
})

describe('a typed password', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it(`a wrong password signs no user in, with real hashes: ${fuzzRuns(100)} sign-ins`, async () => {
    const hashing = new FuzzServer({}, { hashes: true })
    const { username } = await hashing.server.addUser()
    const typed = fc.tuple(fc.oneof({ weight: 3, arbitrary: fc.constant(username) }, wildText), wildText)
    await fuzz(typed, fuzzRuns(100), async ([name, password]) => {
      const body = JSON.stringify({
        grant_type: 'password',
        ...credentials(known.shop),
        username: name,
        password,
      })
      const headers = { 'Content-Type': 'application/json' }
      const exchange = await hashing.exchange({
        method: 'POST',
        url: `${ISSUER}/oauth2-token`,
        headers,
        body,
      })
      checkAnswer(exchange)
      fuzzed.counts.add('/oauth2-token (hashed)')
      expect([400, 413]).toContain(exchange.status)
    })
    hashing.restore()
  })
})

describe('the requests that were sent', () => {
  it('the fuzz tests send thousands of requests', async ({ annotate }) => {
    await annotate(fuzzed.counts.format())
    expect(fuzzed.counts.total).toBeGreaterThanOrEqual(fuzzRuns(7000))
  })
})

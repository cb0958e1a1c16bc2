import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../src/admin/operation.ts'
import { OPERATIONS } from '../../src/admin/operations.ts'
import { compact } from '../../src/lib/compact.ts'
import { ADMIN_SCOPE_NAMES } from '../../src/oauth/admin_scope.ts'
import { callOf, type Victims } from '../support/fuzz_admin.ts'
import { checkAdminAnswer, checkKept } from '../support/fuzz_admin_checks.ts'
import {
  authorization,
  type FuzzRequest,
  type Known,
  requestTo,
  unknownPath,
} from '../support/fuzz_requests.ts'
import { FUZZ_TIMEOUT_MS, fuzz, fuzzRuns } from '../support/fuzz_run.ts'
import { type Exchange, FuzzServer, Witness } from '../support/fuzz_server.ts'
import { wildText } from '../support/fuzz_text.ts'
import { type TestCaller, TestOperator } from '../support/operator.ts'
import { emptyStores, PASSWORD } from '../support/server.ts'
import { TestServiceAccount } from '../support/service_account.ts'

const EACH = fuzzRuns(80)

let fuzzed: FuzzServer
let known: Known
let admin: TestOperator
let support: TestOperator
let witness: Witness
let victims: Victims

beforeAll(async () => {
  const hashing = new FuzzServer({}, { hashes: true })
  // The lock of an account ends the sessions of the last minute.
  hashing.server.clock.time -= 120
  admin = await TestOperator.signIn(hashing.server)
  support = await TestOperator.signIn(hashing.server, ['support'])
  hashing.server.clock.time += 120
  await admin.confirm()
  hashing.restore()
  fuzzed = new FuzzServer()
  known = await fuzzed.makeKnown()
  witness = await Witness.begin(fuzzed.server)
  await renewVictims()
})

afterEach(async () => {
  await witness.testify()
  expect((await admin.get('/me')).body).toMatchObject({ id: admin.id, roles: ['admin'] })
  await renewVictims()
})

afterAll(async () => {
  fuzzed.restore()
  await emptyStores()
})

/** A client with a secret, a user and a guest session, which only one input uses. */
async function renewVictims(): Promise<void> {
  const { server } = fuzzed
  const client = await server.addClient()
  const { id } = await server.addUser({ password: PASSWORD })
  await server.signIn(client, 'guest', 'guest')
  const { secrets } = (await admin.get(`/clients/${client.id}`)).body as { secrets: [{ secret_id: string }] }
  const { items } = (await admin.get(`/sessions?client_id=${client.id}`)).body as { items: [{ sid: string }] }
  victims = { client_id: client.id, secret_id: secrets[0].secret_id, id, sid: items[0].sid }
}

function operationOf(id: string): Operation {
  const operation = OPERATIONS.find((candidate) => candidate.id === id)
  if (!operation) throw new Error(`no operation ${id}`)
  return operation
}

const ROWS = { importUsers: operationOf('createUser'), importClients: operationOf('createClient') }

function calls(operation: Operation): fc.Arbitrary<FuzzRequest> {
  return callOf(operation, { victims: () => victims, rows: ROWS })
}

async function send(request: FuzzRequest, authorization: string | null, where: string): Promise<Exchange> {
  const headers = compact({
    ...request.headers,
    'Sallyport-Confirmation': admin.confirmation ?? '',
    Authorization: authorization ?? undefined,
  })
  const exchange = await fuzzed.exchange({ ...request, headers }, where)
  checkAdminAnswer(exchange)
  return exchange
}

const bearer = (operator: TestCaller) => `Bearer ${operator.tokens.access_token}`

const TABLE = OPERATIONS.map((operation) => [EACH, operation.id, operation] as const)

describe('a malformed call of the admin API', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it.each(TABLE)('the response is a documented one: %i calls of %s', (runs, _id, operation) =>
    fuzz(calls(operation), runs, async (request) => {
      const exchange = await send(request, bearer(admin), operation.id)
      const { status, text } = exchange
      if (operation.body) checkKept(exchange)
      if (status === 204 && operation.id.startsWith('delete')) await renewVictims()
      if (status < 300 && operation.response)
        expect(operation.response.safeParse(JSON.parse(text)).error).toBeUndefined()
    }),
  )

  it(`support is refused at operations of admins: ${fuzzRuns(300)} calls`, () => {
    const reserved = OPERATIONS.filter(({ role }) => role === 'admin')
    return fuzz(fc.oneof(...reserved.map(calls)), fuzzRuns(300), async (request) => {
      expect([403, 404, 413]).toContain((await send(request, bearer(support), 'as support')).status)
    })
  })

  it(`a call without a valid token is refused: ${fuzzRuns(600)} calls`, () => {
    const credentials = fc.oneof(
      authorization(known),
      wildText.map((text) => `Bearer ${text.replace(/[^\x21-\x7e]/g, '?')}`),
    )
    const call = fc.tuple(fc.oneof(...OPERATIONS.map(calls)), fc.oneof(fc.constant(null), credentials))
    return fuzz(call, fuzzRuns(600), async ([request, header]) => {
      expect([401, 404, 413]).toContain((await send(request, header, 'as nobody')).status)
    })
  })

  it(`an unknown path or method gets 404, 405 or 421: ${fuzzRuns(300)} calls`, () => {
    const paths = fc.oneof(
      unknownPath,
      fc.constantFrom('', '/openapi.json', '/users', '/keys/rotate', '/me/'),
    )
    const call = requestTo(
      paths.map((path) => `/admin/api${path}`),
      known,
    )
    return fuzz(call, fuzzRuns(300), async (request) => {
      expect([200, 401, 404, 405, 413, 421]).toContain((await send(request, null, 'unknown paths')).status)
    })
  })
})

describe('a malformed call by a service account', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it(`a service account with every scope gets documented responses, and changes no operator: ${fuzzRuns(300)} calls`, async () => {
    const account = await TestServiceAccount.withScopes(fuzzed.server, ADMIN_SCOPE_NAMES)
    const listOperators = async () => {
      const [users, clients] = [
        await admin.get('/users?pool=operators'),
        await admin.get('/clients?api=admin'),
      ]
      return [users.body.items, clients.body.items]
    }
    const before = await listOperators()
    const call = fc.oneof(
      ...OPERATIONS.map((operation) => calls(operation).map((made) => ({ operation, made }))),
    )
    await fuzz(call, fuzzRuns(300), async ({ operation, made }) => {
      // The budget of the account is refilled.
      fuzzed.server.clock.time += 1
      const { status } = await send(made, bearer(account), `as a service account: ${operation.id}`)
      if (operation.scope === null) expect([403, 404, 413]).toContain(status)
      else expect(status).not.toBe(401)
      if (status === 204 && operation.id.startsWith('delete')) await renewVictims()
    })
    expect(await listOperators()).toEqual(before)
  })
})

describe('the calls of the admin API', () => {
  it('the fuzz tests send thousands of calls', async ({ annotate }) => {
    await annotate(fuzzed.counts.format())
    expect(fuzzed.counts.total).toBeGreaterThanOrEqual(fuzzRuns(3700))
  })
})

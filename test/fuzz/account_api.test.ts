import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { API_OPERATIONS } from '../../src/account/api/operations.ts'
import { compact } from '../../src/lib/compact.ts'
import type { User } from '../../src/users/user.ts'
import { selfService } from '../support/account.ts'
import { accountApi, SHOP_CLIENT } from '../support/account_api.ts'
import { checkLog, checkSilence } from '../support/fuzz_checks.ts'
import { FUZZ_TIMEOUT_MS, fuzz, fuzzRuns } from '../support/fuzz_run.ts'
import { FuzzServer } from '../support/fuzz_server.ts'
import { wildJson, wildText } from '../support/fuzz_text.ts'
import { MAIL } from '../support/mail_sink.ts'
import { ACCOUNT_SCOPE, credentials, ISSUER, type TestClient, type TokenResponse } from '../support/server.ts'

/** The operations that random input cannot finish, or that change only the profile of the user. */
const OPERATIONS = API_OPERATIONS.filter(({ method, path }) => `${method} ${path}` !== 'DELETE /sessions')

/** The refusals of the operations in docs/accounts.md and docs/errors.md. */
const REFUSALS = [
  '400 invalid_request',
  '400 invalid_grant',
  '400 refused_password',
  '401 invalid_client',
  '403 access_denied',
  '403 insufficient_scope',
  '404 invalid_request',
  '413 invalid_request',
]

describe('the JSON API of the account', { timeout: FUZZ_TIMEOUT_MS }, () => {
  let fuzzed: FuzzServer
  let client: TestClient
  let user: User
  let tokens: TokenResponse
  /** An access token without the scope `account`. */
  let narrow: string

  beforeAll(async () => {
    const accounts = { passkeys: { rp_id: 'shop.test' }, second_factor: 'optional' }
    fuzzed = new FuzzServer(
      { config: { ...ACCOUNT_SCOPE, mail: MAIL, ...selfService(accounts) } },
      { hashes: true },
    )
    client = await fuzzed.server.addClient(SHOP_CLIENT)
    user = await fuzzed.server.addUser()
    tokens = await fuzzed.server.signIn(client, user.username)
    const other = await fuzzed.server.addClient({ ...SHOP_CLIENT, scopes: ['cart'] })
    narrow = (await fuzzed.server.signIn(other, user.username)).access_token
  })
  afterAll(() => fuzzed.restore())

  /** A request of an operation, with random values for its members and for the parameters of its path. */
  const request = fc.constantFrom(...OPERATIONS).chain((operation) => {
    const { method, path, members, caller } = operation
    const value = fc.option(wildJson, { nil: undefined, freq: 8 })
    return fc
      .record({
        body: fc.record(Object.fromEntries([...members, 'other'].map((name) => [name, value]))),
        raw: fc.option(wildText, { freq: 9 }),
        parameter: wildText,
        hasScope: fc.option(fc.constant(true), { nil: false, freq: 9 }),
      })
      .map(({ body, raw, parameter, hasScope }) => {
        const own = caller === 'client' ? credentials(client) : {}
        const text = raw ?? JSON.stringify({ ...body, ...own })
        return {
          method,
          url: ISSUER + accountApi() + path.replace(/\{\w+\}/, encodeURIComponent(parameter.toWellFormed())),
          headers: compact({
            'Content-Type': 'application/json',
            Authorization:
              caller === 'user' ? `Bearer ${hasScope ? tokens.access_token : narrow}` : undefined,
          }),
          body: method === 'GET' ? null : text,
        }
      })
  })

  it(`each response is a documented one, and no input changes the sign-in: ${fuzzRuns(800)} requests`, async () => {
    await fuzz(request, fuzzRuns(800), async (sent) => {
      const exchange = await fuzzed.exchange(sent, 'account API')
      const { status, text, headers } = exchange
      expect(headers.get('Cache-Control')).toBe('no-store, no-transform')
      if (status >= 400) {
        const { error, ...others } = JSON.parse(text)
        expect(REFUSALS).toContain(`${status} ${error}`)
        expect(Object.keys(others)).toEqual(['error_description'])
        checkSilence(exchange)
        checkLog(exchange)
      } else {
        expect([200, 202, 204]).toContain(status)
        expect(sent.headers).not.toMatchObject({ Authorization: `Bearer ${narrow}` })
      }
    })
    const { userAdmin } = fuzzed.server.services
    const { passwordHash, enabled, deletionAt, hasTotp } = (await userAdmin.find(user.id)) ?? {}
    expect([passwordHash, enabled, deletionAt, hasTotp]).toEqual([user.passwordHash, true, null, false])
    await fuzzed.server.refresh(client, tokens.refresh_token)
  })
})

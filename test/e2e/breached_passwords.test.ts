import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import { type ServiceServer, startService } from '../../scripts/worker_server.ts'
import { compact } from '../../src/lib/compact.ts'
import { OPERATORS } from '../support/cli.ts'
import { type HttpRangeServer, listen } from '../support/http_range_server.ts'
import { RangeServer } from '../support/range_server.ts'
import { serviceBundle } from '../support/shared_builds.ts'
import { CUSTOMER, requestTokens, STAFF, type Tokens } from '../support/token_client.ts'

// The service runs in its own workerd, as in production, and the list is another server. Both use HTTP.

const OPERATOR = { client_id: 'sallyport-cli', username: 'operator', password: OPERATORS.operator }
const FRESH = 'never seen in any breach'
const ranges = new RangeServer([CUSTOMER.password, OPERATOR.password])
let list: HttpRangeServer
let service: ServiceServer

beforeAll(async () => {
  list = await listen(ranges)
  const bundle = configureBundle(await serviceBundle(), {
    breached_passwords: { range_url: list.url, outcome: 'change' },
  })
  service = await startService(bundle)
})

afterAll(async () => {
  await service.close()
  list.close()
})

const signIn = (who: Record<string, string>) => requestTokens(service.origin, who)

type Operator = Tokens & { confirmation?: string }

async function callAdmin({ access_token: token, confirmation }: Operator, path: string, body?: unknown) {
  const response = await fetch(
    `${service.origin}/admin/api${path}`,
    compact({
      headers: compact({
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        'Sallyport-Confirmation': confirmation,
      }),
      method: body === undefined ? undefined : 'POST',
      body: body === undefined ? undefined : JSON.stringify(body),
    }),
  )
  const text = await response.text()
  return { status: response.status, body: text === '' ? null : JSON.parse(text) }
}

describe('users with a breached password, over HTTP', () => {
  it('an operator changes the own breached password, then that of a customer, who can order again', async () => {
    const claims = decodeJwt((await signIn(CUSTOMER)).access_token)
    expect(claims).toMatchObject({ must_change_password: true, password_breached: true })
    expect(claims).not.toHaveProperty('scope')
    const operator = await signIn(OPERATOR)
    expect(decodeJwt(operator.access_token)).not.toHaveProperty('roles')
    expect((await callAdmin(operator, '/users')).status).toBe(403)
    const change = (password: string) =>
      callAdmin(operator, '/me/password', { current_password: OPERATOR.password, password })
    expect((await change(CUSTOMER.password)).body.errors).toEqual([
      { path: 'password', message: 'the password is in a list of known breaches: choose another password' },
    ])
    const changed = await change(FRESH)
    expect(changed.status).toBe(200)
    const confirmed = await callAdmin(changed.body, '/me/confirm', { current_password: FRESH })
    const free = { ...changed.body, confirmation: confirmed.body.confirmation }
    const path = `/users/${claims.sub}/password`
    expect((await callAdmin(free, path, { password: CUSTOMER.password })).status).toBe(422)
    expect((await callAdmin(free, path, { password: FRESH })).status).toBe(200)
    const { scope } = decodeJwt((await signIn({ ...CUSTOMER, password: FRESH })).access_token)
    expect(scope).toBe('cart orders catalog')
  })

  it('a user signs in after one second while the list does not respond', async () => {
    ranges.fault = () => new Promise(() => {})
    const began = Date.now()
    const { roles } = decodeJwt((await signIn(STAFF)).access_token)
    expect(roles).toEqual(['admin'])
    const tookMs = Date.now() - began
    expect(tookMs).toBeGreaterThan(900)
    expect(tookMs).toBeLessThan(5000)
  })
})

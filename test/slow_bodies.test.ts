import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { auditOf } from './support/audit.ts'
import { problem, TestOperator } from './support/operator.ts'
import { credentials, emptyStores, ISSUER, PASSWORD, TestServer } from './support/server.ts'

const SLOW_SECONDS = 120
const LIMIT = 10

/** Posts JSON. The last byte arrives a number of seconds after the first. */
async function postSlowly(
  server: TestServer,
  { path, body, headers = {} }: { path: string; body: unknown; headers?: Record<string, string> },
  meanwhile: () => Promise<unknown> = async () => {},
): Promise<Response> {
  const bytes = new TextEncoder().encode(JSON.stringify(body))
  const { readable, writable } = new FixedLengthStream(bytes.length)
  const writer = writable.getWriter()
  const response = server.send(
    new Request(ISSUER + path, {
      method: 'POST',
      body: readable,
      headers: { 'Content-Type': 'application/json', 'Content-Length': `${bytes.length}`, ...headers },
    }),
  )
  await writer.write(bytes.slice(0, 1))
  server.clock.time += SLOW_SECONDS
  await meanwhile()
  await writer.write(bytes.slice(1))
  await writer.close()
  return response
}

beforeEach(emptyStores)

describe('a sign-in with a slow body', () => {
  async function newScene() {
    const server = new TestServer()
    const client = await server.addClient()
    const { id, username } = await server.addUser()
    const signIn = { grant_type: 'password', ...credentials(client), username }
    return { server, client, id, username, signIn }
  }

  it('a lock within the next minute ends the session of a sign-in with a slow body', async () => {
    const { server, client, signIn } = await newScene()
    const right = { ...signIn, password: PASSWORD }
    const response = await postSlowly(server, { path: '/oauth2-token', body: right })
    expect(response.status).toBe(200)
    const { access_token, refresh_token } = await response.json<Record<string, string>>()
    expect(decodeJwt(access_token ?? '').iat).toBe(server.clock.time)
    for (let i = 0; i < LIMIT; i++) await server.postJson({ ...signIn, password: 'wrong' })
    await expect(server.refresh(client, refresh_token)).rejects.toThrow('invalid_grant')
  })

  it('a failed sign-in with a slow body locks the account for the full time', async () => {
    const { server, client, id, username, signIn } = await newScene()
    for (let i = 1; i < LIMIT; i++) await server.postJson({ ...signIn, password: 'wrong' })
    const wrong = { ...signIn, password: 'wrong' }
    expect((await postSlowly(server, { path: '/oauth2-token', body: wrong })).status).toBe(400)
    expect(await auditOf({ kind: 'lock', subject: id })).toHaveLength(1)
    server.clock.time += 59
    await expect(server.signIn(client, username)).rejects.toThrow('invalid_grant')
    server.clock.time += 1
    await server.signIn(client, username)
  })
})

describe('a call of the admin API with a slow body', () => {
  it('the call changes nothing if the operator was signed out before its last byte', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const other = await TestOperator.signIn(server)
    const call = {
      path: '/admin/api/users',
      body: { pool: 'customers', username: 'new@example.com', password: PASSWORD },
      headers: { Authorization: `Bearer ${operator.tokens.access_token}` },
    }
    const response = await postSlowly(server, call, () => other.post(`/users/${operator.id}/sign-out`))
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toBe(
      'Bearer realm="sallyport-admin", error="invalid_token"',
    )
    expect(await response.json()).toEqual(
      problem(401, 'unauthenticated', 'A live access token of an operator or a service account is required'),
    )
    expect((await other.get('/users?pool=customers')).body.items).toEqual([])
  })

  it('the call changes nothing if its confirmation expired before its last byte', async () => {
    const server = new TestServer()
    const operator = await TestOperator.confirmed(server)
    const user = await server.addUser()
    server.clock.time += 300 - SLOW_SECONDS
    const response = await postSlowly(server, {
      path: `/admin/api/users/${user.id}/password`,
      body: { password: 'another long password' },
      headers: {
        Authorization: `Bearer ${operator.tokens.access_token}`,
        'Sallyport-Confirmation': operator.confirmation ?? '',
      },
    })
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ type: 'urn:problem-type:sallyport:confirmation-required' })
  })
})

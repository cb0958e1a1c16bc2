import { decodeJwt } from 'jose'
import { expect, it } from 'vitest'
import { authorize, authorizeUrl, browserOf, CODE_CLIENT, exchangeOf } from '../support/authorize.ts'
import { credentials, TestServer } from '../support/server.ts'

const HTML = { Accept: 'text/html' }

it('a server with `openid: false` grants no identity scope and has neither userinfo nor logout', async () => {
  const server = new TestServer({ config: { openid: false } })
  const client = await server.addClient({ ...CODE_CLIENT, confidential: true })
  const { username } = await server.addUser()
  const response = await authorize(server, client, {
    username,
    changes: { scope: 'openid profile email cart' },
  })
  const tokens = await server.requireTokens(exchangeOf(client, response.get('code')))
  expect(tokens).not.toHaveProperty('id_token')
  expect([tokens.scope, decodeJwt(tokens.access_token).scope]).toEqual(['cart', 'cart'])
  const refused = await browserOf(server).open(authorizeUrl(client, { scope: 'openid' }))
  expect(refused.url.searchParams.get('error')).toBe('invalid_scope')
  const pushed = await server.postJson(
    {
      ...credentials(client),
      ...Object.fromEntries(new URL(authorizeUrl(client, { scope: 'openid' })).searchParams),
    },
    {},
    '/oauth2-token/par',
  )
  expect([pushed.status, await pushed.json()]).toMatchObject([400, { error: 'invalid_scope' }])
  const headers = { Authorization: `Bearer ${tokens.access_token}` }
  for (const [path, method] of [
    ['/oauth2-token/userinfo', 'GET'],
    ['/oauth2-token/userinfo', 'POST'],
    ['/oauth2-token/userinfo', 'OPTIONS'],
    ['/oauth2-token/logout', 'GET'],
  ] as const)
    expect((await server.fetch(path, { method, headers: { ...headers, ...HTML } })).status).toBe(404)
  const metadata = await (await server.fetch('/.well-known/openid-configuration')).json<object>()
  for (const name of ['userinfo_endpoint', 'end_session_endpoint', 'claims_supported'])
    expect(metadata).not.toHaveProperty(name)
  expect(metadata).toMatchObject({ scopes_supported: expect.not.arrayContaining(['openid']) })
})

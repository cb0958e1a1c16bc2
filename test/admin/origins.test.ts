import { env } from 'cloudflare:workers'
import { decodeJwt } from 'jose'
import { expect, it } from 'vitest'
import { TestOperator } from '../support/operator.ts'
import { credentials, PASSWORD, TestServer } from '../support/server.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0'

it('sessions and events have the kind of device and the country of the request, and nothing else of it', async () => {
  const server = new TestServer()
  const operator = await TestOperator.signIn(server)
  const client = await server.addClient()
  const user = await server.addUser()
  const signIn = async (password: string, userAgent: string) =>
    server.postJson(
      { grant_type: 'password', ...credentials(client), username: user.username, password },
      { 'User-Agent': userAgent },
    )
  server.country = 'CH'
  const tokens = await (await signIn(PASSWORD, FIREFOX)).json<{
    access_token: string
    refresh_token: string
  }>()
  const { sid } = decodeJwt<{ sid: string }>(tokens.access_token)
  server.country = 'DE'
  await signIn('wrong', 'SecretProgram/7 (Linux; Android 14)')
  server.country = '<b>'
  await signIn('wrong', 'SecretProgram/7')
  server.country = null
  const { body: session } = await operator.get(`/sessions/${sid}`)
  expect(session).toMatchObject({ sid, device: 'Firefox on Linux', country: 'CH' })
  await server.refresh(client, tokens.refresh_token)
  const { body: list } = await operator.get(`/sessions?subject=${user.id}`)
  expect(list.items).toMatchObject([{ sid, refreshes: 1, device: 'Firefox on Linux', country: 'CH' }])
  const { body: trail } = await operator.get(`/audit?subject=${user.id}&sort=time`)
  expect(trail.items).toMatchObject([
    { kind: 'issue', device: 'Firefox on Linux', country: 'CH' },
    { kind: 'sign_in_failure', device: 'App on Android', country: 'DE' },
    { kind: 'sign_in_failure', device: null, country: null },
    { kind: 'refresh', device: null, country: null },
  ])
  const { results } = await env.DB.prepare('SELECT * FROM audit_events').all()
  expect(JSON.stringify(results)).not.toMatch(/SecretProgram|rv:144|<b>/)
})

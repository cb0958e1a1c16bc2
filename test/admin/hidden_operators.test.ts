import { expect, it } from 'vitest'
import { ADMIN_SCOPE_NAMES } from '../../src/oauth/admin_scope.ts'
import { problem, TestOperator } from '../support/operator.ts'
import { credentials, PASSWORD, TestServer } from '../support/server.ts'
import { TestServiceAccount } from '../support/service_account.ts'

const AT_OFFICE = {
  'CF-Connecting-IP': '203.0.113.77',
  'User-Agent': 'Mozilla/5.0 (X11; Linux) Firefox/140.0',
}
const AT_HOME = { 'CF-Connecting-IP': '198.51.100.7', 'User-Agent': AT_OFFICE['User-Agent'] }
const EVENT = { address_prefix: null, device: null, country: null }

const operatorOnly = (detail: string) => ({
  status: 403,
  body: problem(403, 'operator-only', 'Only an operator can do this', { detail }),
})

/** An operator who signs in, fails to and disables a user; a deleted operator; and a user who signs in. */
async function setUp() {
  const server = new TestServer()
  const admin = await TestOperator.signIn(server)
  const client = await server.addClient({ api: 'admin' })
  const shop = await server.addClient()
  const operator = await server.addUser({ pool: 'operators', roles: ['admin'] })
  const leaver = await server.addUser({ pool: 'operators', roles: ['support'] })
  const user = await server.addUser()
  const signIn = async (by: typeof client, username: string, headers: object, password = PASSWORD) => {
    const body = { grant_type: 'password', ...credentials(by), username, password }
    return (await server.postJson(body, { ...headers })).json<{ access_token: string }>()
  }
  await signIn(client, operator.username, AT_OFFICE, 'mistyped')
  await signIn(client, 'unknown', AT_OFFICE)
  await signIn(client, leaver.username, AT_OFFICE)
  const { access_token: token } = await signIn(client, operator.username, AT_OFFICE)
  await signIn(shop, user.username, AT_HOME)
  const headers = { ...AT_OFFICE, Authorization: `Bearer ${token}` }
  await server.fetch(`/admin/api/users/${user.id}/require-password-change`, { method: 'POST', headers })
  await server.fetch(`/admin/api/users/${leaver.id}`, {
    method: 'DELETE',
    headers: { ...headers, 'If-Match': '*' },
  })
  await server.settle()
  const account = await TestServiceAccount.withScopes(server, ADMIN_SCOPE_NAMES)
  return { admin, account, client, operator, leaver, user, shop }
}

const sidOf = async (admin: TestOperator, subject: string) => {
  const { items } = (await admin.get(`/sessions?subject=${subject}`)).body as { items: { sid: string }[] }
  return items[0]?.sid ?? ''
}

it('a service account sees no id, device, country and network of an operator in events and sessions', async () => {
  const { admin, account, client, operator, leaver, user, shop } = await setUp()
  const [sid, theirs] = [await sidOf(admin, operator.id), await sidOf(admin, user.id)]
  const [own, others] = [
    (await account.get('/audit?limit=100')).body as { items: Record<string, unknown>[]; total: number },
    (await admin.get('/audit?limit=100')).body as { items: Record<string, unknown>[]; total: number },
  ]
  const personal = [operator.id, admin.id, sid, '203.0.113', operator.username, leaver.username]
  expect(personal.filter((text) => !JSON.stringify(others).includes(text))).toEqual([leaver.username])
  expect(personal.filter((text) => JSON.stringify(own).includes(text))).toEqual([])
  expect(own.items.map(({ id, at, kind, reason }) => [id, at, kind, reason])).toEqual(
    others.items.map(({ id, at, kind, reason }) => [id, at, kind, reason]),
  )
  expect(own.items.find(({ api, kind }) => api === 'admin' && kind === 'sign_in_failure')).toMatchObject({
    ...EVENT,
    subject: null,
    sid: null,
    client_id: client.id,
  })
  expect(own.items.find(({ kind, api }) => kind === 'issue' && api === 'storefront')).toMatchObject({
    subject: user.id,
    subject_name: user.username,
    sid: theirs,
    device: 'Firefox on Linux',
    address_prefix: '198.51.100.0/24',
  })
  const change = (await account.get(`/audit?subject=${user.id}&kind=admin`)).body.items
  expect(change).toMatchObject([
    { ...EVENT, actor: null, actor_name: null, actor_client: client.id, subject: user.id },
  ])
  const hidden = operatorOnly('Service accounts cannot read operators.')
  for (const filter of ['subject', 'actor'])
    expect(await account.get(`/audit?${filter}=${operator.id}`)).toMatchObject(hidden)

  for (const list of ['/sessions', '/sessions?live=false'])
    expect((await account.get(list)).body.items).toMatchObject([{ sid: theirs, client_id: shop.id }])
  for (const list of [`/sessions?subject=${operator.id}`, `/sessions?client_id=${client.id}`])
    expect((await account.get(list)).body).toMatchObject({ items: [], total: 0 })
  const hiddenSession = operatorOnly('Service accounts cannot read the sessions of operators.')
  for (const path of [`/sessions/${sid}`, `/sessions/${sid}/timeline`])
    expect(await account.get(path)).toMatchObject(hiddenSession)
  await admin.delete(`/sessions/${theirs}`, null)
  const timeline = await account.get(`/sessions/${theirs}/timeline`)
  expect(timeline.body).toMatchObject({
    session: { sid: theirs, subject: user.id },
    end: { reason: 'ended by an operator', actor: null, actor_name: null },
  })
  expect(JSON.stringify(timeline.body)).not.toContain(admin.id)
})

import { describe, expect, it } from 'vitest'
import { TestOperator } from '../support/operator.ts'
import { credentials, TestServer } from '../support/server.ts'

interface Event {
  id: number
  at: number
  kind: string
}

async function query(operator: TestOperator, parameters: Record<string, unknown>): Promise<Event[]> {
  const search = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, String(value)]))
  const { status, body } = await operator.get(`/audit?${search}`)
  expect(status).toBe(200)
  return body.items as Event[]
}

const kindsOf = (events: Event[]) => events.map(({ kind }) => kind)

describe('the audit trail in the admin API', () => {
  it('events are filtered by subject, client, session, actor, kind, outcome, grant, API and time, newest first', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const user = await server.addUser()
    const began = server.clock.time
    const tokens = await server.signIn(client, user.username)
    server.clock.time += 10
    await server.postJson({
      grant_type: 'password',
      ...credentials(client),
      username: user.username,
      password: 'no',
    })
    server.clock.time += 10
    await server.refresh(client, tokens.refresh_token)
    await operator.post(`/users/${user.id}/sign-out`)
    const subject = user.id
    expect(kindsOf(await query(operator, { subject }))).toEqual([
      'cut_off',
      'refresh',
      'sign_in_failure',
      'issue',
    ])
    expect(kindsOf(await query(operator, { client_id: client.id }))).toEqual([
      'refresh',
      'sign_in_failure',
      'issue',
    ])
    expect(kindsOf(await query(operator, { actor: operator.id }))).toEqual(['cut_off'])
    expect(kindsOf(await query(operator, { subject, by_operator: false }))).toEqual([
      'refresh',
      'sign_in_failure',
      'issue',
    ])
    expect(kindsOf(await query(operator, { subject, by_operator: true }))).toEqual(['cut_off'])
    for (const kind of ['cut_off', 'issue', 'sign_in_failure']) {
      expect(kindsOf(await query(operator, { subject, kind }))).toEqual([kind])
    }
    expect(kindsOf(await query(operator, { subject, outcome: 'refused' }))).toEqual(['sign_in_failure'])
    const grants = [['password', 'sign_in_failure', 'issue'], ['refresh_token', 'refresh'], ['guest']]
    for (const [grant, ...kinds] of grants) {
      expect(kindsOf(await query(operator, { subject, grant }))).toEqual(kinds)
    }
    expect(kindsOf(await query(operator, { subject, api: 'storefront' }))).toHaveLength(3)
    expect(await query(operator, { subject, api: 'backoffice' })).toEqual([])
    const [refresh] = await query(operator, { subject, kind: 'refresh' })
    const { sid } = refresh as unknown as { sid: string }
    expect(kindsOf(await query(operator, { sid }))).toEqual(['refresh', 'issue'])
    expect(kindsOf(await query(operator, { subject, from: began + 10, to: began + 20 }))).toEqual([
      'sign_in_failure',
    ])
  })

  it('pages list each event once, also events of one second', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    for (let i = 0; i < 5; i++) await server.signIn(client, 'guest', 'guest')
    const all = await query(operator, { client_id: client.id })
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort((a, b) => b - a))
    const pages: Event[] = []
    let cursor: unknown = ''
    while (cursor !== null) {
      const { body } = await operator.get(
        `/audit?client_id=${client.id}&limit=2${cursor && `&cursor=${cursor}`}`,
      )
      pages.push(...(body.items as Event[]))
      cursor = body.next_cursor
    }
    expect(pages).toEqual(all)
    expect(all).toHaveLength(5)
  })
})

describe('the signing keys in the admin API', () => {
  it('an operator lists keys without private keys, rotates them, and removes a compromised key with its tokens', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const { body } = await operator.get('/keys')
    const items = body.items as { kid: string; state: string }[]
    const current = items.find(({ state }) => state === 'current')
    expect(Object.keys(current ?? {})).toEqual([
      'kid',
      'alg',
      'state',
      'created_at',
      'activates_at',
      'retires_at',
      'reason',
    ])
    await operator.confirm()
    const next = await operator.post('/keys/rotate')
    expect([next.status, next.body]).toMatchObject([200, { state: 'next', alg: 'ES256' }])
    const retired = await operator.delete(`/keys/${current?.kid}`)
    expect([retired.status, retired.body]).toMatchObject([
      200,
      { kid: current?.kid, state: 'retired', reason: 'compromised' },
    ])
    expect((await operator.get('/keys')).status).toBe(401)
    await operator.signInAgain()
    await operator.confirm()
    expect((await operator.delete('/keys/nothing')).status).toBe(404)
    const { body: trail } = await operator.get(`/audit?kind=key&actor=${operator.id}&limit=2`)
    expect(trail.items).toMatchObject([
      { actor: operator.id },
      { actor: operator.id, actor_client: operator.client.id },
    ])
  })
})

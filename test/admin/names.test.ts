import { decodeJwt } from 'jose'
import { expect, it } from 'vitest'
import { aroundD1 } from '../support/around_d1.ts'
import { TestOperator } from '../support/operator.ts'
import { TestServer } from '../support/server.ts'

type Items = Record<string, unknown>[]

it('sessions, events and timelines have the names of users and clients next to their ids', async () => {
  let calls = 0
  const counting = aroundD1((_sql, call) => {
    calls += 1
    return call()
  })
  const server = new TestServer({ env: { DB: counting } })
  const operator = await TestOperator.signIn(server)
  const client = await server.addClient({ name: 'The web shop' })
  const users = [await server.addUser(), await server.addUser(), await server.addUser()]
  const [user, deleted] = users
  const sids: string[] = []
  for (const { username } of users) {
    const tokens = await server.signIn(client, username)
    sids.push(decodeJwt<{ sid: string }>(tokens.access_token).sid)
  }
  await server.signIn(client, 'guest', 'guest')
  await server.requireTokens({
    grant_type: 'client_credentials',
    client_id: client.id,
    client_secret: client.secret,
  })
  await operator.post(`/users/${user?.id}/sign-out`)
  await operator.delete(`/users/${deleted?.id}`, '"1"')
  const ofClient = { client_id: client.id, client_name: 'The web shop' }
  const ofUser = { subject: user?.id, subject_name: user?.username }
  const ofDeleted = { subject: deleted?.id, subject_name: null }
  const byOperator = {
    actor: operator.id,
    actor_name: operator.username,
    actor_client: operator.client.id,
    actor_client_name: 'A test client',
  }
  const byNone = { actor: null, actor_name: null, actor_client: null, actor_client_name: null }

  calls = 0
  const { body: list } = await operator.get(`/sessions?client_id=${client.id}`)
  const callsOfFour = calls
  expect(list.items).toHaveLength(4)
  expect(list.items).toContainEqual(expect.objectContaining({ sid: sids[0], ...ofUser, ...ofClient }))
  expect(list.items).toContainEqual(expect.objectContaining({ sid: sids[1], ...ofDeleted, ...ofClient }))
  const guest = (list.items as Items).find(({ subject }) => String(subject).startsWith('visitor:'))
  expect(guest).toMatchObject({ subject_name: null, ...ofClient })
  calls = 0
  await operator.get(`/sessions?subject=${user?.id}`)
  expect(calls).toBe(callsOfFour)

  const { body: trail } = await operator.get(`/audit?client_id=${client.id}`)
  expect(trail.items).toContainEqual(
    expect.objectContaining({ kind: 'issue', sid: sids[0], ...ofUser, ...ofClient, ...byNone }),
  )
  expect(trail.items).toContainEqual(
    expect.objectContaining({ subject: client.id, subject_name: 'The web shop', ...ofClient }),
  )
  const { body: changes } = await operator.get(`/audit?actor=${operator.id}`)
  expect(changes.items).toMatchObject([
    { kind: 'cut_off', ...ofDeleted, client_name: null, ...byOperator },
    { kind: 'cut_off', ...ofUser, client_name: null, ...byOperator },
  ])

  const { body: timeline } = await operator.get(`/sessions/${sids[0]}/timeline`)
  expect(timeline).toMatchObject({
    session: { ...ofUser, ...ofClient },
    end: { actor: operator.id, actor_name: operator.username },
    events: [
      { kind: 'issue', ...ofUser, ...ofClient, ...byNone },
      { kind: 'cut_off', ...ofUser, ...byOperator },
    ],
  })
})

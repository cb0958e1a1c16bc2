import { decodeJwt } from 'jose'
import { beforeEach, expect, it } from 'vitest'
import { credentials, emptyStores, PASSWORD, TestServer } from '../support/server.ts'
import { sweepObjects } from '../support/session_objects.ts'
import { describeStores, readSessions } from '../support/session_stores.ts'

const DAY = 86_400

/** The sweep of the cron trigger, and that of each session object. */
async function sweepAll(server: TestServer): Promise<void> {
  await server.sweep()
  await sweepObjects(server.clock.time)
}

describeStores('the sweep of sessions', () => {
  beforeEach(emptyStores)

  it('the sweep removes a session when its last token has expired, not a second earlier', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const { refresh_token = '' } = await server.signIn(client, 'guest', 'guest')
    await server.refresh(client, refresh_token)
    const { sub } = decodeJwt<{ sub: string }>(refresh_token)
    server.clock.time += 30 * DAY - 1
    await sweepAll(server)
    expect(await readSessions(sub)).toHaveLength(1)
    server.clock.time += 1
    await sweepAll(server)
    expect(await readSessions(sub)).toEqual([])
  })

  it('the sweep keeps the row of a merged guest while one of its tokens can be live', async () => {
    const server = new TestServer()
    const client = await server.addClient()
    const { username } = await server.addUser()
    const guest = await server.signIn(client, 'guest', 'guest')
    const signIn = { grant_type: 'password', ...credentials(client), username, password: PASSWORD }
    await server.requireTokens({ ...signIn, visitor_access_token: guest.access_token })
    const { sub } = decodeJwt<{ sub: string }>(guest.access_token)
    server.clock.time += 30 * DAY - 1
    await sweepAll(server)
    await expect(server.refresh(client, guest.refresh_token)).rejects.toThrow('invalid_grant')
    expect(await readSessions(sub)).toHaveLength(1)
    server.clock.time += 1
    await sweepAll(server)
    expect(await readSessions(sub)).toEqual([])
  })
})

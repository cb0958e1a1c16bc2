import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, it } from 'vitest'
import { type AccountLink, LINK_PARAMETER } from '../../src/accounts/account_links.ts'
import {
  END_SESSIONS,
  INVITATION,
  passwordLinkDataOf,
  RESET_PASSWORD,
} from '../../src/accounts/link_kinds.ts'
import type { UserEdit } from '../../src/users/user_admin_store.ts'
import type { UserRecord } from '../../src/users/user_record.ts'
import { emptyStores, ISSUER, TestServer } from '../support/server.ts'

const POOL = 'customers'

async function recordOf({ services }: TestServer, id: string): Promise<UserRecord> {
  const user = await services.userAdmin.find(id)
  if (user === null) throw new Error(`no user ${id}`)
  return user
}

/** A new user and the token of a link to a new password. */
async function makeLink(server: TestServer, kind = RESET_PASSWORD) {
  const user = await recordOf(server, (await server.addUser()).id)
  const data = await passwordLinkDataOf(user)
  const url = new URL(await server.services.links.make(kind, { user, data }, server.clock.time))
  return { user, url, token: url.searchParams.get(LINK_PARAMETER) ?? '' }
}

function open({ services, clock }: TestServer, token: string, kind = RESET_PASSWORD, pool = POOL) {
  return services.links.find(kind, { token, pool }, clock.time)
}

async function edit({ services, clock }: TestServer, { id }: UserRecord, change: UserEdit): Promise<void> {
  await services.userAdmin.change(id, change, { versions: null, adminPool: null, now: clock.time }, [])
}

/** Ends the sessions of the user of a link. @returns whether the link was used first */
async function use(server: TestServer, link: AccountLink<unknown>): Promise<boolean> {
  const { services, clock } = server
  const once = await services.links.spending(link, clock.time)
  const revocation = { reason: 'a link', conditions: { once } }
  const outcome = await services.signOut.endUser(link.user.id, revocation, server.context())
  return outcome.kind === 'changed'
}

describe('the links of accounts', () => {
  beforeAll(emptyStores)

  it('a link has the issuer of config.yml, opens for its user, and has no row before its use', async () => {
    const server = new TestServer()
    const { user, url, token } = await makeLink(server)
    expect(url.origin + url.pathname).toBe(`${ISSUER}/account/customers/reset-password`)
    expect(token).not.toContain(user.id)
    expect((await open(server, token))?.user).toEqual(user)
    expect(await env.DB.prepare('SELECT count(*) AS rows FROM one_time_values').first('rows')).toBe(0)
  })

  it('a link opens for 30 minutes, and only for its purpose and its pool', async () => {
    const server = new TestServer()
    const { token } = await makeLink(server)
    const sealed = await server.services.formSealer.sealValue({ purpose: 'reset_password' })
    for (const [text, kind, pool] of [
      [token, INVITATION, POOL],
      [token, RESET_PASSWORD, 'staff'],
      [`${token}x`, RESET_PASSWORD, POOL],
      [token.replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A')), RESET_PASSWORD, POOL],
      [sealed, RESET_PASSWORD, POOL],
      ['', RESET_PASSWORD, POOL],
    ] as const)
      expect(await open(server, text, kind, pool)).toBeNull()
    server.clock.time += RESET_PASSWORD.lifetimeSeconds - 1
    expect(await open(server, token)).not.toBeNull()
    server.clock.time += 1
    expect(await open(server, token)).toBeNull()
  })

  it.each<[string, (server: TestServer, user: UserRecord) => Promise<unknown>]>([
    ['a disabled account', (server, user) => edit(server, user, { enabled: false })],
    ['another password', (server, user) => edit(server, user, { passwordHash: `${user.passwordHash}x` })],
    [
      'another address',
      (server, user) => edit(server, user, { profile: { email: 'new@shop.test', email_verified: true } }),
    ],
    [
      'a sign-out',
      (server, { id }) => server.services.signOut.endUser(id, { reason: 'test' }, server.context()),
    ],
    [
      'the removal of the user',
      (server, user) =>
        server.services.userAdmin.remove(
          user.id,
          { versions: null, adminPool: null, now: server.clock.time },
          [],
        ),
    ],
  ])('%s ends a link to a new password', async (_, change) => {
    const server = new TestServer()
    const { user, token } = await makeLink(server)
    await change(server, user)
    expect(await open(server, token)).toBeNull()
  })

  it('a link of the seconds after a sign-out stays valid', async () => {
    const server = new TestServer()
    const { id } = await server.addUser()
    await server.services.signOut.endUser(id, { reason: 'test' }, server.context())
    const user = await recordOf(server, id)
    const content = { user, data: await passwordLinkDataOf(user) }
    const url = await server.services.links.make(RESET_PASSWORD, content, server.clock.time)
    expect(await open(server, new URL(url).searchParams.get(LINK_PARAMETER) ?? '')).not.toBeNull()
  })

  it('a sign-out does not end the link that ends all sessions, and of 20 parallel uses one succeeds', async () => {
    const server = new TestServer()
    const isolates = [server, server.anotherIsolate()]
    const user = await recordOf(server, (await server.addUser()).id)
    const url = await server.services.links.make(END_SESSIONS, { user, data: {} }, server.clock.time)
    await server.services.signOut.endUser(user.id, { reason: 'test' }, server.context())
    const token = new URL(url).searchParams.get(LINK_PARAMETER) ?? ''
    const link = await server.services.links.find(END_SESSIONS, { token, pool: POOL }, server.clock.time)
    if (link === null) throw new Error('the link does not open')
    const uses = Array.from({ length: 20 }, (_, i) => use(isolates[i % 2] ?? server, link))
    expect((await Promise.all(uses)).filter((isFirst) => isFirst)).toHaveLength(1)
    const events = await env.DB.prepare("SELECT count(*) AS events FROM audit_events WHERE reason = 'a link'")
    expect(await events.first('events')).toBe(1)
  })
})

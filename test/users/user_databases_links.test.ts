import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { linkOf } from '../support/account_links.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { browserOf } from '../support/authorize.ts'
import { WITH_MAIL } from '../support/mail_sink.ts'
import { newInvitation } from '../support/operation_examples.ts'
import { TestOperator } from '../support/operator.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'
import { IN_TWO_DATABASES, inDatabases, usernamesIn } from '../support/user_databases.ts'

const NEW_PASSWORD = 'a long password of a new user'
const U1 = { name: 'u1', binding: 'USERS_1', new_users: ['customers'] }

/** A server with mail whose customers are all in `u1`. While `down.matches` finds a call to a database, the call fails. */
function serverWith() {
  const down: { matches: RegExp | null } = { matches: null }
  const around = <T>(sql: string, call: () => Promise<T>) =>
    down.matches?.test(sql) ? Promise.reject(new Error('the store is down')) : call()
  const stores = { DB: aroundD1(around), USERS_1: aroundD1(around, env.USERS_1) }
  const config = { ...WITH_MAIL.config, ...inDatabases([U1]) }
  return { server: new TestServer({ ...WITH_MAIL, config, env: stores }), down }
}

/** Invites a customer. @returns the link */
async function invite(server: TestServer, operator: TestOperator, invitation: object = newInvitation()) {
  await operator.post('/users/invite', invitation)
  const [mail] = await server.takeMails()
  return linkOf(mail ?? { text: '' }, 'invitation')
}

/** @returns the heading of the page after the button */
async function setPassword(server: TestServer, link: URL): Promise<string> {
  const browser = browserOf(server)
  await browser.open(link.href)
  const fields = { Password: NEW_PASSWORD, 'Password again': NEW_PASSWORD }
  return headingOf(await browser.press('Set password', fields))
}

async function openHeading(server: TestServer, link: URL): Promise<string> {
  return headingOf(await browserOf(server).open(link.href))
}

function headingOf({ html }: { html: string }): string {
  return /<h1[^>]*>([^<]*)</.exec(html)?.[1] ?? 'no heading'
}

/** A customer of `u1` who has signed in, and the link of a mail that ends the sessions. */
async function makeReader(server: TestServer) {
  const operator = await TestOperator.confirmed(server)
  const client = await server.addClient()
  const invitation = newInvitation()
  await setPassword(server, await invite(server, operator, invitation))
  const id = String(await env.USERS_1.prepare('SELECT id FROM users').first('id'))
  server.clock.time += 10
  const tokens = await server.signIn(client, invitation.username, NEW_PASSWORD)
  await server.settle()
  return { operator, client, id, tokens }
}

async function endSessionsLink(server: TestServer, subject: string): Promise<URL> {
  const about = { subject, api: null, clientId: null }
  server.services.notifications.send(about, { kind: 'token_theft' }, server.context())
  await server.settle()
  const mail = (await server.takeMails()).find(({ text }) => text.includes('/end-sessions?'))
  return linkOf(mail ?? { text: '' }, 'end-sessions')
}

async function endSessions(server: TestServer, link: URL): Promise<string> {
  const browser = browserOf(server)
  const { html } = await browser.open(link.href)
  const button = /<button type="submit"[^>]*>([^<]*)</.exec(html)?.[1]?.trim() ?? 'no button'
  return headingOf(await browser.press(button, {}))
}

async function originsOf(subject: string, condition = 'true'): Promise<number | null> {
  const sql = `SELECT count(*) AS n FROM known_origins WHERE subject = ? AND ${condition}`
  return env.DB.prepare(sql).bind(subject).first<number>('n')
}

describe('links and origins of users of a further database', () => {
  beforeEach(emptyStores)

  it('an invitation stays open if the database of the user fails, and works once after that', async () => {
    const { server, down } = serverWith()
    const link = await invite(server, await TestOperator.signIn(server))
    const heading = await openHeading(server, link)
    down.matches = /UPDATE users SET/
    await setPassword(server, link)
    down.matches = null
    expect(await openHeading(server, link)).toBe(heading)
    expect(await env.DB.prepare('SELECT count(*) AS n FROM one_time_values').first('n')).toBe(0)
    expect(await setPassword(server, link)).not.toBe(heading)
    expect(await env.DB.prepare('SELECT count(*) AS n FROM one_time_values').first('n')).toBe(1)
    const again = await openHeading(server, link)
    expect(again).not.toBe(heading)
  })

  it('an invitation to an address that another user has verified still sets the password', async () => {
    const { server } = serverWith()
    const operator = await TestOperator.signIn(server)
    const client = await server.addClient()
    const first = newInvitation()
    const done = await setPassword(server, await invite(server, operator, first))
    const second = { ...newInvitation(), profile: first.profile }
    expect(await setPassword(server, await invite(server, operator, second))).toBe(done)
    server.clock.time += 10
    const tokens = await server.signIn(client, second.username, NEW_PASSWORD)
    expect(tokens.access_token).toEqual(expect.any(String))
  })

  it('a password that is stored ends its link, also if the main database fails at the use of the link', async () => {
    const { server, down } = serverWith()
    const operator = await TestOperator.signIn(server)
    const done = await setPassword(server, await invite(server, operator))
    const link = await invite(server, operator)
    const heading = await openHeading(server, link)
    down.matches = /INSERT INTO one_time_values/
    expect(await setPassword(server, link)).toBe(done)
    down.matches = null
    expect(await openHeading(server, link)).not.toBe(heading)
  })

  it('two uses of an invitation at the same time set one password', async () => {
    const { server } = serverWith()
    const link = await invite(server, await TestOperator.signIn(server))
    const headings = await Promise.all([setPassword(server, link), setPassword(server, link)])
    expect(new Set(headings).size).toBe(2)
    expect(await env.USERS_1.prepare('SELECT version FROM users').first('version')).toBe(2)
  })

  it.each([
    ['the database of the user', /UPDATE users SET/],
    ['the main database', /known_origins SET/],
  ])(
    'the link that ends all sessions stays open if %s fails, and works once after that',
    async (_, matches) => {
      const { server, down } = serverWith()
      const { client, id, tokens } = await makeReader(server)
      const link = await endSessionsLink(server, id)
      const heading = await openHeading(server, link)
      down.matches = matches
      expect(await endSessions(server, link)).toBe('Not available at the moment')
      down.matches = null
      expect(await openHeading(server, link)).toBe(heading)
      expect(await endSessions(server, link)).not.toBe(heading)
      await expect(server.refresh(client, tokens.refresh_token)).rejects.toThrow('invalid_grant')
      expect(await originsOf(id, "origin NOT LIKE 'forgotten %'")).toBe(0)
      server.clock.time += 10
      const next = await server.signIn(client, await usernameOf(id), NEW_PASSWORD)
      await endSessions(server, link)
      expect((await server.refresh(client, next.refresh_token)).access_token).toEqual(expect.any(String))
    },
  )

  it('the deletion of a user removes the known origins from the main database', async () => {
    const { server } = serverWith()
    const { operator, id } = await makeReader(server)
    expect(await originsOf(id)).toBe(1)
    const { headers } = await operator.get(`/users/${id}`)
    expect((await operator.delete(`/users/${id}`, headers.get('ETag'))).status).toBe(204)
    await server.settle()
    expect(await originsOf(id)).toBe(0)
  })

  it('the erasure of a user who was deleted before removes the known origins that are left', async () => {
    const { server } = serverWith()
    const { operator, id } = await makeReader(server)
    const { headers } = await operator.get(`/users/${id}`)
    await operator.delete(`/users/${id}`, headers.get('ETag'))
    await server.settle()
    await env.DB.prepare("INSERT INTO known_origins (subject, origin, seen_at) VALUES (?, 'late', 1)")
      .bind(id)
      .run()
    expect((await operator.post(`/users/${id}/erase`, { username: id })).status).toBe(204)
    expect(await originsOf(id)).toBe(0)
  })

  it('an import whose second database refuses an address reports the users of the first one as created', async () => {
    const server = new TestServer({ config: IN_TWO_DATABASES })
    const operator = await TestOperator.confirmed(server)
    const names = Array.from({ length: 12 }, (_, i) => `buyer-${i}@shop.test`)
    const placeOf = (username: string) =>
      server.services.userDatabases.nameForNew({ pool: 'customers', username })
    const first = names.filter((name) => placeOf(name) === 'u1').slice(0, 2)
    const second = names.filter((name) => placeOf(name) === 'u2').slice(0, 3)
    const profile = { email: 'same@shop.test', email_verified: true }
    const rowOf = (username = '') => ({ pool: 'customers', username, password: PASSWORD })
    await server.addUser({ username: second[0] ?? '' })
    await env.USERS_2.prepare('UPDATE users SET profile = ?').bind(JSON.stringify(profile)).run()
    const rows = [...first.map(rowOf), rowOf(second[1]), { ...rowOf(second[2]), profile }]
    const { body } = await operator.post('/users/import', { rows })
    const statuses = (body.results as { status: string }[]).map(({ status }) => status)
    expect(statuses).toEqual(['created', 'created', 'created', 'refused'])
    expect(await usernamesIn(env.USERS_1)).toEqual(first.toSorted())
    expect(await usernamesIn(env.USERS_2)).toEqual(second.slice(0, 2).toSorted())
  })
})

async function usernameOf(id: string): Promise<string> {
  return String(
    await env.USERS_1.prepare('SELECT username FROM users WHERE id = ?').bind(id).first('username'),
  )
}

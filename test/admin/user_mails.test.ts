import { beforeAll, describe, expect, it } from 'vitest'
import { addReader, linkOf, setProfile } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import { browserOf } from '../support/authorize.ts'
import { ConsoleBrowser } from '../support/console.ts'
import { describeCustomers } from '../support/customer_places.ts'
import { FaultyStore } from '../support/faults.ts'
import { WITH_MAIL } from '../support/mail_sink.ts'
import { newInvitation } from '../support/operation_examples.ts'
import { problem, TestOperator } from '../support/operator.ts'
import { emptyStores, TestServer } from '../support/server.ts'
import { TestServiceAccount } from '../support/service_account.ts'
import { aroundUserDatabases, databaseOf } from '../support/user_databases.ts'

const PASSWORD = 'a long password of a new user'
const CONFLICT = 'The state of the record does not allow this'

/** @param label The label of the password: that of the first one, or of a new one. */
async function setPassword(server: TestServer, link: URL, label = 'Password'): Promise<string | undefined> {
  const browser = browserOf(server)
  await browser.open(link.href)
  const { html } = await browser.press('Set password', {
    [label]: PASSWORD,
    [`${label} again`]: PASSWORD,
  })
  return /<h1>([^<]*)<\/h1>/.exec(html)?.[1]
}

const readEmail = (id: string) =>
  databaseOf(id).prepare('SELECT verified_email FROM users WHERE id = ?').bind(id).first('verified_email')

describeCustomers('the mails of operators', () => {
  beforeAll(emptyStores)

  it('an invited user has no password, sets the first one by the link, and then has a verified address', async () => {
    const server = new TestServer(WITH_MAIL)
    const operator = await TestOperator.signIn(server)
    const draft = newInvitation()
    const { status, body, headers } = await operator.post('/users/invite', draft)
    const { id } = body
    expect([status, headers.get('Location')]).toEqual([201, `/admin/api/users/${id}`])
    expect(body).toMatchObject({
      username: draft.username,
      email_verified: false,
      must_change_password: true,
    })
    const [mail, ...others] = await server.takeMails()
    expect([mail?.kind, mail?.to, others]).toEqual(['invitation', draft.profile.email, []])
    const link = linkOf(mail ?? { text: '' }, 'invitation')
    expect(JSON.stringify(body)).not.toContain(link.search)
    const client = await server.addClient()
    const { html } = await browserOf(server).open(link.href)
    expect(html).toContain('<h1>Choose a password</h1>')
    expect(html).not.toMatch(/new password|on all devices/i)
    expect(await setPassword(server, link)).toBe('Your password is set')
    await expect(server.signIn(client, draft.username, PASSWORD)).resolves.toHaveProperty('access_token')
    expect(await readEmail(String(id))).toBe(draft.profile.email)
    expect(await setPassword(server, link).catch(() => 'no form')).toBe('no form')
    const events = await auditOf({ subject: String(id), kind: 'admin' })
    expect(events).toMatchObject([{ outcome: 'ok', reason: 'the user was invited', actor: operator.id }])
    expect(JSON.stringify(events)).not.toContain(draft.profile.email)
  })

  it('an invitation lasts seven days', async () => {
    for (const [seconds, heading] of [
      [7 * 86_400 - 1, 'Your password is set'],
      [7 * 86_400, 'no form'],
    ] as const) {
      const server = new TestServer(WITH_MAIL)
      const operator = await TestOperator.signIn(server)
      await operator.post('/users/invite', newInvitation())
      const [mail] = await server.takeMails()
      server.clock.time += seconds
      const end = setPassword(server, linkOf(mail ?? { text: '' }, 'invitation'))
      expect(await end.catch(() => 'no form')).toBe(heading)
    }
  })

  it('a repeat with the same Idempotency-Key sends the invitation again until the user has a password', async () => {
    const server = new TestServer(WITH_MAIL)
    const operator = await TestOperator.signIn(server)
    const call = { body: newInvitation(), headers: { 'Idempotency-Key': '"invite-1"' } }
    const first = await operator.call('POST', '/users/invite', call)
    const second = await operator.call('POST', '/users/invite', call)
    expect([first.status, second.status, second.body.id]).toEqual([201, 201, first.body.id])
    const mails = await server.takeMails()
    expect(mails.map(({ kind, to }) => [kind, to])).toEqual(
      Array(2).fill(['invitation', call.body.profile.email]),
    )
    const [link, other] = mails.map((mail) => linkOf(mail, 'invitation'))
    if (link === undefined || other === undefined) throw new Error('no link')
    expect(await setPassword(server, link)).toBe('Your password is set')
    expect(await setPassword(server, other).catch(() => 'no form')).toBe('no form')
    await server.takeMails()
    const third = await operator.call('POST', '/users/invite', call)
    expect([third.status, third.body.id, await server.takeMails()]).toEqual([201, first.body.id, []])
    const events = await auditOf({ subject: String(first.body.id), reason: 'the user was invited' })
    expect(events).toHaveLength(1)
  })

  it('an invitation is sent if the database stores the user and its response is lost', async () => {
    const store = new FaultyStore()
    const server = new TestServer({ ...WITH_MAIL, env: aroundUserDatabases(store.around) })
    const operator = await TestOperator.signIn(server)
    const call = { body: newInvitation(), headers: { 'Idempotency-Key': '"invite-1"' } }
    store.judge = (sql) => (sql.includes('INSERT INTO users') ? 'after it is done' : null)
    const { status, body } = await operator.call('POST', '/users/invite', call)
    store.comeBack()
    const mails = await server.takeMails()
    expect([status, mails.map(({ kind, to }) => [kind, to])]).toEqual([
      201,
      [['invitation', call.body.profile.email]],
    ])
    expect((await operator.get(`/users/${body.id}`)).body).toEqual(body)
  })

  it('a password reset goes to the stored address, and requests of a stranger do not use up its budget', async () => {
    const server = new TestServer(WITH_MAIL)
    const operator = await TestOperator.signIn(server, ['support'])
    const { id, email } = await addReader(server)
    for (let i = 0; i < 6; i++)
      server.services.mailer.send({ kind: 'nothing', to: email, pool: 'customers' }, server.context())
    await server.settle()
    expect((await operator.post(`/users/${id}/password-reset`)).status).toBe(200)
    const [mail] = await server.takeMails()
    expect([mail?.kind, mail?.to]).toEqual(['reset_password', email])
    expect(await setPassword(server, linkOf(mail ?? { text: '' }, 'reset-password'), 'New password')).toBe(
      'Your password is set',
    )
    const [event] = await auditOf({ subject: id, kind: 'admin' })
    expect(event).toMatchObject({ reason: 'a password reset was sent', actor: operator.id })
  })

  it('the server refuses a user without an address, a disabled user, and every mail without the key mail', async () => {
    const server = new TestServer(WITH_MAIL)
    const operator = await TestOperator.confirmed(server)
    const conflict = (detail: string) => [409, problem(409, 'conflict', CONFLICT, { detail })]
    const send = async (id: string) => {
      const { status, body } = await operator.post(`/users/${id}/password-reset`)
      return [status, body]
    }
    const { id } = await server.addUser()
    expect(await send(id)).toEqual(conflict('Give the user an email address first.'))
    const disabled = await server.addUser({ enabled: false })
    await setProfile(disabled.id, { email: 'jane@shop.test', email_verified: true })
    expect(await send(disabled.id)).toEqual(conflict('Enable the user first.'))
    const { status, body } = await operator.post('/users/invite', { ...newInvitation(), profile: {} })
    expect([status, body.errors]).toEqual([
      422,
      [{ path: 'profile.email', message: 'must be the address of the invitation' }],
    ])
    expect(await server.takeMails()).toEqual([])
    const silent = await TestOperator.signIn(new TestServer())
    const refused = await silent.post('/users/invite', newInvitation())
    expect([refused.status, refused.body]).toEqual(
      conflict('Set the key mail in config.yml: this server sends no mails.'),
    )
  })

  it('a service account sends no password reset to an operator', async () => {
    const server = new TestServer(WITH_MAIL)
    const operator = await addReader(server, { pool: 'operators', roles: ['admin'] })
    const account = await TestServiceAccount.withScopes(server, ['users:write'])
    expect((await account.call('POST', `/users/${operator.id}/password-reset`)).status).toBe(403)
    expect(await server.takeMails()).toEqual([])
  })

  it('the console invites a user and sends a password reset, also by the role support', async () => {
    const server = new TestServer(WITH_MAIL)
    const admin = await ConsoleBrowser.signIn(server)
    const support = await ConsoleBrowser.signIn(server, ['support'])
    const { username, profile } = newInvitation()
    const draft = { pool: 'customers', username, 'profile.email': profile.email, invite: 'yes' }
    expect((await admin.get('/console/users/new')).html).toContain('Invite by mail, without a password')
    const missing = await admin.post('/console/users/new', { ...draft, 'profile.email': '' })
    expect([
      missing.status,
      missing.html.includes('Type the email address of the user, which gets the invitation.'),
    ]).toEqual([422, true])
    const invited = await admin.post('/console/users/new', draft)
    expect([invited.status, invited.done]).toEqual([303, 'user-invited'])
    const { id, email } = await addReader(server)
    expect((await support.get(`/console/users/${id}`)).html).toContain('Send a password reset')
    const sent = await support.post(`/console/users/${id}/password-reset`)
    expect([sent.status, sent.done]).toEqual([303, 'password-reset-sent'])
    expect((await server.takeMails()).map(({ kind, to }) => [kind, to])).toEqual([
      ['invitation', profile.email],
      ['reset_password', email],
    ])
    const silent = await ConsoleBrowser.signIn(new TestServer())
    expect((await silent.get(`/console/users/${id}`)).html).not.toContain('Send a password reset')
    expect((await silent.get('/console/users/new')).html).not.toContain('Invite by mail')
  })
})

describe('a verified address and an invitation', () => {
  // A verified address is unique in each database, so this test has one database.
  it('an address that another user has verified stays unverified after the invitation', async () => {
    const server = new TestServer(WITH_MAIL)
    const { email } = await addReader(server)
    const operator = await TestOperator.signIn(server)
    const invitation = { ...newInvitation(), profile: { email } }
    const { body } = await operator.post('/users/invite', invitation)
    const [mail] = await server.takeMails()
    expect(await setPassword(server, linkOf(mail ?? { text: '' }, 'invitation'))).toBe('Your password is set')
    expect(await readEmail(String(body.id))).toBeNull()
  })
})

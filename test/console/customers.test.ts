import { beforeAll, expect, it } from 'vitest'
import { ConsoleBrowser, inputOf } from '../support/console.ts'
import { describeCustomers } from '../support/customer_places.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'

type Browser = Awaited<ReturnType<typeof ConsoleBrowser.signIn>>

let server: TestServer
let admin: Browser
let support: Browser

async function etagOf(path: string): Promise<string> {
  return inputOf((await admin.get(path)).html, 'etag')
}

describeCustomers('the pages of a user', () => {
  beforeAll(async () => {
    await emptyStores()
    server = new TestServer()
    admin = await ConsoleBrowser.signIn(server)
    support = await ConsoleBrowser.signIn(server, ['support'])
  })

  it('an admin creates, edits, disables, enables and deletes a user, and sets a password', async () => {
    const username = `${crypto.randomUUID()}@example.com`
    const draft = {
      pool: 'customers',
      username,
      password: 'the first one',
      'profile.name': 'A. Person',
      roles: 'vip\nloyal',
    }
    const key = inputOf((await admin.get('/console/users/new')).html, 'idempotency_key')
    const made = await admin.post('/console/users/new', { ...draft, idempotency_key: key })
    const [path = ''] = made.location?.split('?') ?? []
    expect(made).toMatchObject({ location: path, done: 'user-created' })
    // The second click of a double click.
    const again = await admin.post('/console/users/new', { ...draft, idempotency_key: key })
    expect(again).toMatchObject({ location: path, done: 'user-created' })
    const client = await server.addClient()
    const signIn = async (password: string) => {
      const parameters = { grant_type: 'password', client_id: client.id, client_secret: client.secret }
      return (await server.postForm({ ...parameters, username, password })).status
    }
    expect(await signIn('the first one')).toBe(200)
    const names = { 'profile.name': 'B. Person', 'profile.given_name': 'Bea', 'profile.locale': 'de_CH' }
    const edit = { username, ...names, 'profile.email': username, roles: 'vip' }
    const saved = await admin.post(path, { ...edit, etag: await etagOf(path) })
    expect(saved).toMatchObject({ location: path, done: 'user-saved' })
    const { html } = await admin.get(path)
    for (const shown of ['B. Person', 'Bea', 'de-CH', `${username} (not verified)`])
      expect(html).toContain(shown)
    const tooLong = await admin.post(`${path}/password`, {
      password: 'x'.repeat(129),
      own_password: PASSWORD,
    })
    expect(tooLong).toMatchObject({ status: 422, html: expect.stringContaining('id="password-error"') })
    const second = { password: 'the second one', own_password: PASSWORD }
    expect((await admin.post(`${path}/password`, second)).done).toBe('password-set')
    server.clock.time += 5
    expect([await signIn('the first one'), await signIn('the second one')]).toEqual([400, 200])
    await admin.post(`${path}/disable`)
    expect(await signIn('the second one')).toBe(400)
    await admin.post(`${path}/enable`)
    expect(await signIn('the second one')).toBe(200)
    const unconfirmed = await admin.post(`${path}/delete`, { etag: await etagOf(path) })
    expect(unconfirmed).toMatchObject({ status: 422, html: expect.stringContaining('id="typed_name-error"') })
    const deleted = await admin.post(`${path}/delete`, { etag: await etagOf(path), typed_name: username })
    expect(deleted).toMatchObject({ location: '/console/users', done: 'user-deleted' })
    expect((await admin.get(path)).status).toBe(404)
  })

  it('an admin exports a user as a file and erases the user after typing the username and the password of the admin', async () => {
    const { id, username } = await server.addUser()
    const path = `/console/users/${encodeURIComponent(id)}`
    const refused = await admin.post(`${path}/export`, { own_password: 'mistyped' })
    expect([refused.status, refused.html]).toEqual([
      403,
      expect.stringMatching(
        /id="own-password-to-export-error">Your own password is wrong\..*A download does not reload this page: after the next download, this message is out of date\./s,
      ),
    ])
    const file = await admin.post(`${path}/export`, { own_password: PASSWORD })
    expect([file.status, file.headers.get('Content-Disposition'), file.headers.get('Content-Type')]).toEqual([
      200,
      'attachment; filename="user-export.json"',
      'application/json; charset=UTF-8',
    ])
    expect(file.headers.get('Cache-Control')).toBe('no-store, no-transform')
    expect(JSON.parse(file.html)).toMatchObject({ user: { id, username }, next_cursor: null })
    const mistyped = await admin.post(`${path}/erase`, { typed_name: 'x', own_password: PASSWORD })
    expect(mistyped.html).toContain('id="typed-name-to-erase-error"')
    expect((await admin.get(path)).status).toBe(200)
    const erased = await admin.post(`${path}/erase`, { typed_name: username, own_password: PASSWORD })
    expect(erased).toMatchObject({ location: '/console/users', done: 'user-erased' })
    expect((await admin.get(path)).status).toBe(404)
  })

  it('support sees sign-ins, the lock and live sessions of a user, unlocks, ends a session and finds why it ended', async () => {
    const client = await server.addClient()
    const { id, username } = await server.addUser()
    const path = `/console/users/${encodeURIComponent(id)}`
    expect(await support.get(`${path}/why`)).toMatchObject({ location: path, done: 'no-session' })
    await server.signIn(client, username)
    const parameters = { grant_type: 'password', client_id: client.id, client_secret: client.secret }
    await server.postForm({ ...parameters, username, password: 'mistyped' })
    const { html } = await support.get(path)
    for (const text of [
      '<dt>Last sign-in</dt><dd><time',
      '<dt>Failed sign-ins today</dt><dd>1</dd>',
      '<dt>Locked until</dt><dd><span class="soft">Not locked</span></dd>',
      'Live sessions (1)',
      'Failed sign-in</span>',
      'Why signed out?',
    ]) {
      expect(html).toContain(text)
    }
    expect(await support.post(`${path}/unlock`)).toMatchObject({ location: path, done: 'user-unlocked' })
    expect((await support.get(path)).html).not.toContain('>Unlock')
    const [action = '', sid = ''] = /\/console\/users\/[^"/]+\/sessions\/([^"/]+)\/end/.exec(html) ?? []
    expect(html).toContain(`<p class="confirm-title">End 1 session of ${username}</p>`)
    expect(await support.post(action)).toMatchObject({ location: path, done: 'session-ended' })
    expect((await support.get(path)).html).toContain('Live sessions (0)')
    const { location: why } = await support.get(`${path}/why`)
    expect(why).toBe(`/console/sessions/${sid}?why=signed-out`)
    const { html: timeline } = await support.get(why ?? '')
    expect(timeline).toContain(`<h1>Why was ${username} signed out?</h1>`)
    expect(timeline).toContain('The session ended because an operator ended it, by the operator ')
    const own = await support.get(`/console/users/${encodeURIComponent(support.user.id)}`)
    expect(own.html.match(/This session</g)).toHaveLength(1)
    expect(html).not.toContain('This session<')
    expect(own.html).not.toContain('/end"')
  })
})

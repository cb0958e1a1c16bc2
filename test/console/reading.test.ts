import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConsoleBrowser } from '../support/console.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'

const server = new TestServer()
let admin: Awaited<ReturnType<typeof ConsoleBrowser.signIn>>
beforeAll(async () => {
  await emptyStores()
  admin = await ConsoleBrowser.signIn(server)
})

// The clock of this file runs ahead, and so do its events.
afterAll(emptyStores)

describe('the timeline of a session', () => {
  it('the timeline has the sign-in, refreshes and retries, and the reason of the end', async () => {
    const client = await server.addClient()
    const user = await server.addUser()
    const { refresh_token: token } = await server.signIn(client, user.username)
    server.clock.time += 100
    await server.refresh(client, token)
    await server.refresh(client, token)
    server.clock.time += 10
    const list = await admin.get(`/console/sessions?subject=${user.username}`)
    const [, path = ''] = /href="(\/console\/sessions\/[^"]+)">Timeline/.exec(list.html) ?? []
    const living = await admin.get(path)
    expect(living.html).toContain('The session is live.')
    expect(await admin.post(`${path}/end`)).toMatchObject({ location: path, done: 'session-ended' })
    const { html } = await admin.get(path)
    const titles = [...html.matchAll(/<strong>([^<]+)<\/strong><p>([^<,]+)/g)].map(([, ...texts]) => texts)
    expect(titles).toEqual([
      ['Sign-in', 'password'],
      ['Refresh', 'token 0 was exchanged for token 1'],
      ['Retry', 'token 0 was exchanged for token 1'],
      ['Sign-out', 'ended by an operator'],
      ['Ended', 'The session ended: ended by an operator.'],
    ])
    expect(html).toContain('after 1 minute 40 seconds')
    expect(html).not.toContain('End this session')
  })

  it('a username in two pools gives a choice', async () => {
    const username = `${crypto.randomUUID()}@example.com`
    await server.addUser({ username })
    await server.addUser({ username, pool: 'staff' })
    const { html } = await admin.get(`/console/sessions?subject=${username}`)
    expect(html).toContain(`${username} of customers`)
    expect(html).toContain(`${username} of staff`)
  })
})

describe('the audit search', () => {
  it('the audit search filters and has pages', async () => {
    const client = await server.addClient()
    const user = await server.addUser()
    for (let i = 0; i < 55; i++) {
      server.clock.time += 1
      await server.signIn(client, user.username)
    }
    const first = await admin.get(`/console/audit?client_id=${client.id}&kind=issue`)
    const rowsOf = (html: string) =>
      [...html.matchAll(/<tr><th scope="row"><time datetime="([^"]+)"/g)].map(([, at]) => at)
    const [, next = ''] = /href="([^"]+)">Next page/.exec(first.html) ?? []
    expect(next).toContain(`client_id=${client.id}&amp;kind=issue&amp;cursor=`)
    const second = await admin.get(next.replaceAll('&amp;', '&'))
    const all = [...rowsOf(first.html), ...rowsOf(second.html)]
    expect([rowsOf(first.html).length, all.length, new Set(all).size]).toEqual([50, 55, 55])
    expect(second.html).toContain('No more results.')
  })

  it('the audit search resolves a username, and gives a choice for a name in two pools', async () => {
    const client = await server.addClient()
    const { username } = await server.addUser()
    await server.signIn(client, username)
    const { html } = await admin.get(`/console/audit?subject=${username}&client_id=${client.id}`)
    expect(html).toContain('Sign-in</span>')
    await server.addUser({ username, pool: 'staff' })
    const several = await admin.get(`/console/audit?subject=${username}&client_id=${client.id}`)
    expect(several.html).toMatch(/client_id=[^"]+"[^>]*>[^<]*of staff/)
  })

  it('the audit search reads times as UTC and names an invalid time', async () => {
    const at = (time: string) => admin.get(`/console/audit?client_id=sallyport-console&${time}`)
    expect((await at('from=2020-01-01T00:00')).html).toContain('Sign-in</span>')
    expect((await at('to=2020-01-01T00:00')).html).toContain('No events found')
    const { status, html: refused } = await admin.get('/console/audit?from=yesterday')
    expect(status).toBe(400)
    expect(refused).toContain('<code>from</code> must be a time')
    expect(refused).toContain('value="yesterday"')
  })
})

describe('the dashboard', () => {
  it('the dashboard shows tokens by grant, failures and active sessions, with text alternatives', async () => {
    const client = await server.addClient()
    const user = await server.addUser()
    server.clock.time += 7200
    await server.signIn(client, user.username)
    const { refresh_token: token } = await server.signIn(client, user.username)
    await server.refresh(client, token)
    const wrong = {
      grant_type: 'password',
      client_id: client.id,
      client_secret: client.secret,
      username: 'x',
      password: 'y',
    }
    await server.postForm(wrong)
    const own = await ConsoleBrowser.signIn(server)
    const { html } = await own.get('/console')
    const labels = [...html.matchAll(/role="img" aria-label="([^"]+)"/g)].map(
      ([, label = '']) => label.split('.')[0],
    )
    expect(labels).toEqual([
      'Password: 3 tokens',
      'Refresh token: 1 token',
      'Active sessions: 3 sessions',
      'Failures: 1 refusal',
    ])
    admin = own
  })
})

describe('the keys', () => {
  it('an admin sees the schedule of the keys, rotates them, and revokes a compromised key', async () => {
    await server.cron()
    const own = await ConsoleBrowser.signIn(server)
    const kidsOf = (html: string) =>
      [...html.matchAll(/<code class="id">([\w-]{43})<\/code>/g)].map(([, kid = '']) => kid)
    const [first = ''] = kidsOf((await own.get('/console/keys')).html)
    expect(await own.post('/console/keys/rotate')).toMatchObject({
      location: '/console/keys',
      done: 'key-rotated',
    })
    const { html } = await own.get('/console/keys')
    const [next = ''] = kidsOf(html)
    expect(next).not.toBe(first)
    expect(html).toMatch(/Next<\/span>[\s\S]*in 30 minutes/)
    server.clock.time += 26 * 60
    const pending = (await own.get('/console/keys')).html
    expect(pending).toMatch(
      /A rotation has started: the key <code class="id">[\w-]{43}<\/code> is published and starts to sign <time[^>]+>in 4 minutes</,
    )
    expect(pending).not.toContain('Rotate…')
    expect(await own.post('/console/keys/rotate')).toMatchObject({
      location: '/console/keys',
      done: 'key-pending',
    })
    const { html: unchanged } = await own.get('/console/keys')
    expect(unchanged).toContain(
      'Nothing was changed. The next key was already published, and its start time stays the same.',
    )
    expect(kidsOf(unchanged)).toEqual(kidsOf(pending))
    const refused = await own.post(`/console/keys/${next}/revoke`)
    expect(refused.status).toBe(403)
    expect(refused.html).toContain('The operator must confirm the password first')
    const wrong = await own.post(`/console/keys/${next}/revoke`, { own_password: 'mistyped' })
    expect(wrong.status).toBe(403)
    expect(wrong.html).toContain(`id="own-password-${next}-error">Your own password is wrong.<`)
    expect(wrong.html.match(/<details class="confirm" open=""/g)).toHaveLength(1)
    const revoked = await own.post(`/console/keys/${next}/revoke`, { own_password: PASSWORD })
    expect(revoked).toMatchObject({ location: '/console/keys', done: 'key-revoked' })
    expect((await own.get('/console/keys')).html).toContain('Compromised')
    const unknown = await own.post('/console/keys/nothing/revoke', { own_password: PASSWORD })
    expect(unknown.status).toBe(404)
  })
  it('the rotation says that the scheduled key signs earlier', async () => {
    server.clock.time += 88 * 86_400
    await server.cron()
    server.clock.time += 3600
    const own = await ConsoleBrowser.signIn(server)
    const { html } = await own.get('/console/keys')
    const now = new Date(server.clock.time * 1000).toISOString()
    expect(html).toMatch(
      /The key <code class="id">[\w-]{43}<\/code> is published already\. It signs from <time/,
    )
    expect(html).toContain(`It signs from <time datetime="${now}"`)
    expect(await own.post('/console/keys/rotate')).toMatchObject({
      location: '/console/keys',
      done: 'key-rotated',
    })
    expect((await own.get('/console/keys')).html).toContain(
      'A new key is published now. It starts to sign after 30 minutes',
    )
  })
})

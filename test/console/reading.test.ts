import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConsoleBrowser, type ConsoleResponse } from '../support/console.ts'
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
      ['Retry', 'token 0 was used again within the retry window and got token 1'],
      ['Sign-out', 'ended by an operator'],
      ['Ended', 'The session ended because an operator ended it'],
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
    // A narrow screen shows the filters in use outside the closed form.
    expect(first.html).toContain(
      `<p class="used">Client id: ${client.id}, Event: Sign-in<span class="clear"><a href="/console/audit">Clear`,
    )
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
    expect(refused).toContain('From (UTC)</a>: must be a time')
    expect(refused).toContain('value="yesterday"')
  })
})

describe('a table', () => {
  it('a table is a named region that the keyboard can scroll', async () => {
    const user = await server.addUser({ roles: ['a', 'b', 'c', 'd', 'e'] })
    const { html } = await admin.get(`/console/users?q=${user.username}`)
    expect(html).toContain('<section class="panel" aria-label="Users" tabindex="0">')
    expect(html).toContain('a, b, c, <details class="more"><summary>2 more</summary> d, e</details>')
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
    const labels = [...html.matchAll(/<p class="hidden">([^<]+)</g)].map(
      ([, label = '']) => label.split('.')[0],
    )
    expect(labels).toEqual([
      'Authorization code: 1 token',
      'Password: 2 tokens',
      'Refresh token: 1 token',
      'Active sessions: 3 sessions',
      'Failures: 1 failure',
    ])
    admin = own
  })
})

describe('the figures of the dashboard', () => {
  const decode = (text: string) => text.replaceAll('&amp;', '&')

  it('each column has its value and a link to the audit events of its interval, and the table has the same links', async () => {
    const client = await server.addClient()
    server.clock.time += 7200
    await server.signIn(client, 'guest', 'guest')
    const own = await ConsoleBrowser.signIn(server)
    const { html } = await own.get('/console')
    const column =
      /<a href="([^"]+grant=guest[^"]+)" tabindex="-1" data-from="\d+" data-to="\d+"><title>(\S+ (\S+)) to \S+ UTC: 1 token<\/title><rect/.exec(
        html,
      )
    const [, path = '', , time = ''] = column ?? []
    expect(path).toMatch(
      /^\/console\/audit\?grant=guest&amp;outcome=ok&amp;from=\d{4}-\d\d-\d\dT\d\d%3A\d\d&amp;to=/,
    )
    expect(new Date(server.clock.time * 1000).toISOString()).toContain(`T${time}:`)
    const events = await own.get(decode(path))
    expect(events.html).toContain('Guest</span>')
    expect(events.html).toContain(client.id)
    expect(events.html).toContain('<option value="guest" selected')
    expect(events.html).toContain('<p class="position">1–1 of 1</p>')
    const table = await own.get('/console?view=table')
    expect(table.html).toContain(`<a href="${path}">1</a>`)
    // The end of the chart is the end of the current minute.
    const ticks = [...html.matchAll(/<p class="times"[^>]*>(.*?)<\/p>/g)][0]?.[1] ?? ''
    expect(ticks).toMatch(/^(<time [^>]+ class="clock">\d\d:\d\d<\/time>){3}$/)
    expect(html).toMatch(/<p class="scale"[^>]*><span>\d+<\/span><span>0<\/span><\/p>/)
    const month = await own.get('/console?minutes=43200')
    expect(month.html).toMatch(/<p class="times"[^>]*>(<time [^>]+ class="day">\d+ \w{3,4}<\/time>){3}<\/p>/)
    expect(month.html).toContain('Tokens per 12 h')
    admin = own
  })

  it('the dashboard compares with the previous period and shows the causes of failures', async () => {
    await env.DB.prepare('DELETE FROM audit_counters').run()
    const minute = Math.floor(server.clock.time / 60) * 60
    const add = (at: number, counts: object) =>
      env.DB.prepare('INSERT INTO audit_counters (minute, counts) VALUES (?, ?)')
        .bind(at, JSON.stringify(counts))
        .run()
    await add(minute - 86_400, {})
    await add(minute - 3600, { 'tokens:guest': 8, failures: 4, 'failures:wrong_password': 3 })
    await add(minute, { 'tokens:guest': 9, failures: 2, 'failures:wrong_password': 2, thefts: 1 })
    const own = await ConsoleBrowser.signIn(server)
    const { html } = await own.get('/console')
    expect(html).toContain('8 before, +13 %')
    expect(html).toContain('4 before, −50 %')
    const causes = [...html.matchAll(/<li>([^<]+)<strong>(\d+)<\/strong><span class="soft">([^<]*)</g)]
    expect(causes.map(([, ...texts]) => texts)).toEqual([
      ['Wrong password', '2', '3 before, −33 %'],
      ['Another cause', '0', '1 before, −100 %'],
    ])
    expect(decode(/<a href="([^"]+)">All failures</.exec(html)?.[1] ?? '')).toMatch(
      /^\/console\/audit\?outcome=refused&from=/,
    )
    const tiles = [
      ...html.matchAll(
        /<a class="tile (\w+)" href="([^"]+)"><span class="tile-title">([^<]+)<\/span><span class="tile-value">([^<]+)</g,
      ),
    ]
    expect(
      tiles.map(([, tone, path = '', title, value]) => [title, value, tone, decode(path).split('&from')[0]]),
    ).toEqual([
      ['Locked accounts', '0', 'good', '/console/audit?kind=lock'],
      ['Token theft', '1', 'bad', '/console/audit?kind=theft'],
      ['Revocation feed', '0', 'good', '/console/audit?kind=cut_off'],
      ['Database size', '&lt; 0.1 %', 'good', '/console/audit'],
      ['Next key change', expect.stringMatching(/^in \d+ days$/), 'plain', '/console/keys'],
    ])
    const week = await own.get('/console?minutes=10080')
    expect(week.html).toContain('so there is no whole previous period to compare with')
    expect(week.html).not.toContain(' before, ')
    admin = own
  })
})

/** The time and the URL of the next load: for the script, and in a browser without scripts. Null without a refresh. */
function readRefresh({ html }: ConsoleResponse): string | null {
  const [, forScript, withoutScript] =
    /<meta name="refresh" content="([^"]*)"\/><noscript><meta http-equiv="refresh" content="([^"]*)"\/><\/noscript>/.exec(
      html,
    ) ?? []
  expect(forScript).toBe(withoutScript)
  return forScript?.replaceAll('&amp;', '&') ?? null
}

describe('the refresh of the dashboard', () => {
  it('the dashboard refreshes for half an hour after the operator loaded it, so that an idle session ends', async () => {
    const own = await ConsoleBrowser.signIn(server)
    const { time } = server.clock
    const refreshOf = async (path: string) => readRefresh(await own.get(path))
    const next = `/console?minutes=60&loaded=${time}`
    expect(await refreshOf('/console')).toBe(`30; url=${next}`)
    server.clock.time = time + 1799
    expect(await refreshOf(next)).toBe(`30; url=${next}`)
    server.clock.time = time + 1800
    const ended = await own.get(next)
    expect(readRefresh(ended)).toBeNull()
    expect(ended.html).toContain('The refresh ended')
    expect(ended.html).toContain('<a href="/console">Load again</a>')
    const again = `30; url=/console?minutes=60&loaded=${server.clock.time}`
    for (const path of ['/console', `/console?loaded=${server.clock.time + 1}`, '/console?loaded=x']) {
      expect(await refreshOf(path)).toBe(again)
    }
    admin = own
  })

  it.each([
    ['/console?minutes=360&refresh=off', 'Resume refresh', '/console?minutes=360'],
    ['/console?view=table', 'Show as charts', '/console'],
  ])('the page does not refresh, and has a link to the refreshing page: %s', async (path, name, link) => {
    const page = await admin.get(path)
    expect(readRefresh(page)).toBeNull()
    expect(page.html).toContain(`<a href="${link}">${name}</a>`)
  })

  it.each(['/console/clients', '/console/audit'])('only the dashboard refreshes, not %s', async (path) => {
    expect(readRefresh(await admin.get(path))).toBeNull()
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
      /A rotation has started: the key <code class="id">[\w-]{43}<\/code> is published and starts to sign tokens <time[^>]+>in 4 minutes</,
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
    expect(refused.html).toContain('<strong>Your own password is required.</strong>')
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

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConsoleBrowser, inputOf } from '../support/console.ts'
import { emptyStores, PASSWORD, TestServer } from '../support/server.ts'

const server = new TestServer()
let admin: Awaited<ReturnType<typeof ConsoleBrowser.signIn>>
beforeAll(async () => {
  await emptyStores()
  admin = await ConsoleBrowser.signIn(server)
})

// The clock of this file runs ahead, and so do its events.
afterAll(emptyStores)

/** The results of the search page, as type, path and detail. */
function resultsOf(html: string): string[][] {
  const row =
    /<tr><th scope="row"><a href="([^"]+)"[^>]*>.*?<\/th><td[^>]*><div>(\w+)<\/div><\/td><td[^>]*><div>([^<]*)</g
  return [...html.matchAll(row)].map(([, path = '', type = '', detail = '']) => [type, path, detail])
}

describe('the search box', () => {
  it('every page has a search box, and the search finds users, clients, sessions and keys', async () => {
    const client = await server.addClient({ id: 'zander-shop', name: 'Zander shop' })
    const first = await server.addUser({ username: 'zander@example.com' })
    const second = await server.addUser({ username: 'zandra@example.com' })
    await server.signIn(client, first.username)
    const sid =
      /sessions\/([\w.-]+)"/.exec((await admin.get(`/console/sessions?subject=${first.id}`)).html)?.[1] ?? ''
    const kid = /<code class="id">([\w-]{43})</.exec((await admin.get('/console/keys')).html)?.[1] ?? ''
    const path = (id: string) => `/console/users/${encodeURIComponent(id)}`
    const search = (q: string) => admin.get(`/console/search?${new URLSearchParams({ q })}`)

    const { status, html } = await search('ZAND')
    expect(status).toBe(200)
    expect(resultsOf(html)).toEqual([
      ['User', path(first.id), 'customers'],
      ['User', path(second.id), 'customers'],
      ['Client', '/console/clients/zander-shop', 'storefront'],
    ])
    expect(html).toContain('<input type="search" name="q" value="ZAND"')
    expect(html).toContain('href="/console/users?q=ZAND">All matching users<')
    expect(html).toContain(`href="/console/sessions?subject=${encodeURIComponent(first.id)}">Sessions<`)
    expect(html).toContain('href="/console/audit?client_id=zander-shop">Events<')
    expect(resultsOf((await search('zandr')).html)).toEqual([['User', path(second.id), 'customers']])
    expect(html).not.toContain('More users match')
    for (const name of ['zandu', 'zandv', 'zandw', 'zandx']) await server.addUser({ username: name })
    expect((await search('zand')).html).toContain('The table has the first 5 users. More users match.')
    expect(resultsOf((await search(kid.slice(0, 8))).html)).toEqual([
      ['Key', `/console/keys#${kid}`, 'Signing'],
    ])

    const exact = [
      [first.id, path(first.id)],
      [' Zandra@Example.com ', path(second.id)],
      [sid, `/console/sessions/${sid}`],
      [kid, `/console/keys#${kid}`],
    ] as const
    for (const [q, location] of exact) {
      const found = await search(q)
      expect([q, found.status, found.location]).toEqual([q, 303, location])
    }
    for (const page of ['', '/clients', '/users', '/sessions', '/keys', '/audit', '/password', '/nothing']) {
      expect([page, (await admin.get(`/console${page}`)).html]).toEqual([
        page,
        expect.stringContaining('<search class="finder"><form method="get" action="/console/search">'),
      ])
    }
  })

  it('a search without results names the parts that it finds, and links to the events of an id', async () => {
    expect((await admin.get('/console/search')).html).toContain('Enter a search text')
    const { html } = await admin.get('/console/search?q=user:gone')
    expect(html).toContain('No results')
    expect(html).toContain('href="/console/audit?subject=user%3Agone">Events<')
    expect((await admin.get('/console/search?q=no-such-name')).html).not.toContain('All matching')
    const long = await admin.get(`/console/search?q=${'x'.repeat(256)}`)
    expect(long.status).toBe(400)
    expect(long.html).toContain('role="alert"')
  })
})

/** The position, the number of rows and the links of a list. */
function listOf(html: string) {
  const linkOf = (name: string) =>
    new RegExp(`href="([^"]+)">${name}<`).exec(html)?.[1]?.replaceAll('&amp;', '&') ?? null
  return {
    position: /<p class="position">([^<]*)</.exec(html)?.[1] ?? null,
    first: /<tbody><tr><th scope="row">(?:<[^>]+>)*([^<]*)</.exec(html)?.[1] ?? null,
    next: linkOf('Next page'),
    previous: linkOf('Previous page'),
    clear: linkOf('Clear'),
    sorted: [
      ...html.matchAll(/<th scope="col" class="sort"(?: aria-sort="(\w+)")?><a href="([^"]+)">([^<]+)</g),
    ].map(([, order = null, path = '', name = '']) => [name, order, path.replaceAll('&amp;', '&')]),
  }
}

describe('a list', () => {
  it('a list has a total, pages in both directions and an order, and keeps its filters', async () => {
    const ids = Array.from({ length: 55 }, (_, i) => `listed-${String(i).padStart(2, '0')}`)
    for (const id of ids) await server.addClient({ id, name: `Listed ${id}` })
    const path = '/console/clients?q=listed-'
    const first = listOf((await admin.get(path)).html)
    expect(first).toEqual({
      position: '1–50 of 55',
      first: 'listed-00',
      next: expect.stringMatching(/^\/console\/clients\?q=listed-&cursor=[\w-]+&first=51$/),
      previous: null,
      clear: '/console/clients',
      sorted: [
        ['Client', 'ascending', '/console/clients?q=listed-&sort=-id'],
        ['Name', null, '/console/clients?q=listed-&sort=name'],
        ['Created', null, '/console/clients?q=listed-&sort=-created'],
      ],
    })
    const second = listOf((await admin.get(first.next ?? '')).html)
    expect(second).toMatchObject({ position: '51–55 of 55', first: 'listed-50', next: null })
    const back = listOf((await admin.get(second.previous ?? '')).html)
    expect(back).toMatchObject({ position: '1–50 of 55', first: 'listed-00', previous: null })

    const { html } = await admin.get(`${path}&sort=-id`)
    expect(html).toContain('<input type="hidden" name="sort" value="-id"/>')
    const reverse = listOf(html)
    expect(reverse).toMatchObject({ position: '1–50 of 55', first: 'listed-54' })
    expect(reverse.sorted[0]).toEqual(['Client', 'descending', path])
    expect(listOf((await admin.get(reverse.next ?? '')).html)).toMatchObject({
      position: '51–55 of 55',
      first: 'listed-04',
    })
    expect(listOf((await admin.get('/console/clients')).html).clear).toBe(null)
    const lists = [
      ['/users', 'Username', 'ascending', 'Created', null],
      ['/audit', 'Time', 'descending'],
      ['/sessions', 'Started', 'descending'],
    ]
    for (const [list, ...orders] of lists) {
      const { sorted } = listOf((await admin.get(`/console${list}`)).html)
      expect([list, ...sorted.flatMap((sort) => sort.slice(0, 2))]).toEqual([list, ...orders])
    }
  })

  it('the address of a list has no empty filter', async () => {
    const form = '/console/audit?subject=&client_id=shop+1&kind=&from=&sort=-time'
    const location = '/console/audit?client_id=shop+1&sort=-time'
    expect(await admin.get(form)).toMatchObject({ status: 303, location })
    expect((await admin.get(location)).status).toBe(200)
    expect(await admin.get('/console/users?q=&pool=')).toMatchObject({
      status: 303,
      location: '/console/users',
    })
  })

  it('a list names the filter with a value that is not valid', async () => {
    const { status, html } = await admin.get('/console/users?enabled=maybe&q=kept-text')
    expect(status).toBe(400)
    expect(html).toContain('Correct the fields, and search again.')
    expect(html).toContain('<a href="#filter-enabled">State</a>: Select a value of the list.')
    const audit = await admin.get('/console/audit?kind=account_locked')
    expect([audit.status, audit.html]).toEqual([
      400,
      expect.stringContaining('<a href="#filter-kind">Event</a>: Select a value of the list.'),
    ])
    expect(audit.html).not.toContain('must be one of')
    expect(html).toContain('value="kept-text"')
  })

  it('the sessions page opens with the newest live sessions, and continues after pages without one', async () => {
    const kept = await server.addClient({ name: 'Kept' })
    const disabled = await server.addClient({ name: 'Disabled later' })
    const user = await server.addUser()
    await server.signIn(kept, user.username)
    for (let i = 0; i < 55; i++) {
      server.clock.time += 1
      await server.signIn(disabled, user.username)
    }
    expect(listOf((await admin.get('/console/sessions')).html).position).toBe(
      '1–50, with more on the next page',
    )
    const path = `/console/clients/${disabled.id}`
    const etag = inputOf((await admin.get(path)).html, 'etag')
    expect((await admin.post(`${path}/disable`, { etag })).status).toBe(303)
    const { html } = await admin.get('/console/sessions')
    expect(html).toContain('>Kept</a>')
    expect(html).not.toContain('>Disabled later</a>')
    expect(html).toContain('href="/console/sessions?live=true" aria-current="true">Live<')
    const ofUser = (await admin.get(`/console/sessions?subject=${user.id}`)).html
    expect(ofUser).toContain(`<h1>Sessions of ${user.username}</h1>`)
    expect(ofUser).toContain(`name="subject" value="${user.username}"`)
    const all = await admin.get('/console/sessions?live=false')
    expect(all.html).toContain('>Disabled later</a>')
    const none = await admin.get(`/console/sessions?client_id=${disabled.id}&live=true`)
    expect(none.html).toContain('There are no live sessions')
    for (const address of ['/sessions?subject=zo', '/audit?subject=zo', '/audit?actor=zo']) {
      const { html: unknown } = await admin.get(`/console${address}`)
      expect([address, unknown]).toEqual([
        address,
        expect.stringContaining('No user has this username</p><p>Enter the whole username.'),
      ])
    }
    const backwards = await admin.get('/console/audit?from=2026-01-02T00:00&to=2026-01-01T00:00')
    expect(backwards.status).toBe(400)
    expect(backwards.html).toContain('<a href="#filter-to">Before (UTC)</a>: must be later than the time in')
    expect(listOf((await admin.get(`/console/sessions?client_id=${disabled.id}`)).html).position).toBe(
      '1–50 of 55',
    )
  })
})

describe('names', () => {
  it('audit, sessions and timelines show names with the id in the title, device and country', async () => {
    const client = await server.addClient({ name: 'The red shop' })
    const user = await server.addUser({ username: 'named@example.com' })
    server.country = 'CH'
    const credentials = { client_id: client.id, client_secret: client.secret }
    const agent = { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' }
    const signIn = { grant_type: 'password', username: user.username, password: PASSWORD, ...credentials }
    const tokens = await (await server.postJson(signIn, agent)).json<{ refresh_token: string }>()
    server.country = 'T1'
    server.clock.time += 100
    await server.refresh(client, tokens.refresh_token)
    server.country = null
    const userPath = `/console/users/${encodeURIComponent(user.id)}`
    const named = [
      `<a href="${userPath}" title="${user.id}">named@example.com</a>`,
      `<a href="/console/clients/${client.id}" title="${client.id}">The red shop</a>`,
      '<span class="device">Firefox on Linux</span><span class="under"><span title="CH">Switzerland</span></span>',
    ]
    const sessions = await admin.get(`/console/sessions?client_id=${client.id}`)
    const [, path = ''] = /href="(\/console\/sessions\/[^"]+)">Timeline/.exec(sessions.html) ?? []
    const audit = await admin.get(`/console/audit?client_id=${client.id}`)
    for (const text of named)
      expect([sessions.html, audit.html]).toEqual(Array(2).fill(expect.stringContaining(text)))
    expect(audit.html).toContain('<span title="T1">Tor network</span>')

    expect((await admin.post(`${path}/end`)).location).toContain(path)
    const ended = [
      (await admin.get(path)).html,
      (await admin.get(`/console/audit?client_id=${client.id}`)).html,
    ]
    const operator = `title="${admin.user.id}">${admin.user.username}</a>`
    for (const html of ended) expect(html).toContain(operator)
    expect(ended[0]).toContain('<dd><span title="CH">Switzerland</span></dd>')
    expect(ended[0]).toContain('<span title="T1">Tor network</span>')
    expect(ended[1]).toContain('<span class="under" title="sallyport-console">via Sallyport console</span>')
  })

  it('a deleted user has its id instead of a name', async () => {
    const client = await server.addClient()
    const user = await server.addUser()
    await server.signIn(client, user.username)
    const path = `/console/users/${encodeURIComponent(user.id)}`
    const etag = inputOf((await admin.get(path)).html, 'etag')
    expect((await admin.post(`${path}/delete`, { etag, typed_name: user.username })).status).toBe(303)
    const { html } = await admin.get(`/console/audit?client_id=${client.id}`)
    expect(html).toContain(`<a href="${path}" title="${user.id}"><code class="id">${user.id}</code></a>`)
  })
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConsoleBrowser } from '../support/console.ts'
import { emptyStores, TestServer } from '../support/server.ts'

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
    expect(resultsOf((await search(kid.slice(0, 8))).html)).toEqual([
      ['Key', `/console/keys#${kid}`, 'current'],
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
    expect((await admin.get('/console/search?q=')).html).toContain('Enter a search text')
    const { html } = await admin.get('/console/search?q=user:gone')
    expect(html).toContain('No results')
    expect(html).toContain('href="/console/audit?subject=user%3Agone">Events<')
    const long = await admin.get(`/console/search?q=${'x'.repeat(256)}`)
    expect(long.status).toBe(400)
    expect(long.html).toContain('role="alert"')
  })
})

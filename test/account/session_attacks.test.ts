import { describe, expect, it } from 'vitest'
import { ACCOUNT, openAccount, selfService } from '../support/account.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { authorize, CODE_CLIENT } from '../support/authorize.ts'
import { TestServer } from '../support/server.ts'
import { signOutUser } from '../support/sign_out.ts'

const OTHERS = 'Sign out everywhere else'

describe('a stolen browser session', () => {
  it('the browser session of an attacker ends with a sign-out of the owner that comes between two calls to D1', async () => {
    let owner: (() => Promise<void>) | null = null
    const db = aroundD1(async (sql, call) => {
      if (owner === null || !sql.includes('UPDATE users SET')) return call()
      const act = owner
      owner = null
      await act()
      return call()
    })
    const server = new TestServer({ config: selfService(), env: { DB: db } })
    const user = await server.addUser()
    const { browser } = await openAccount(server, user.username, { path: '/sessions' })
    owner = () => signOutUser(server, user.id)
    await browser.press(OTHERS)
    expect(owner).toBeNull()
    server.clock.time += 10
    expect((await browser.open(ACCOUNT)).html).toContain('<h1>Sign in</h1>')
  })

  it('many sign-outs in one second do not keep the owner from a sign-in', async () => {
    const server = new TestServer({ config: selfService() })
    const client = await server.addClient(CODE_CLIENT)
    const user = await server.addUser()
    const { browser, page } = await openAccount(server, user.username, { path: '/sessions' })
    const results: (string | null | number)[][] = []
    for (let i = 0; i < 4; i++) {
      browser.show(page)
      const { status, headers } = await browser.press(OTHERS)
      results.push([status, headers.get('Retry-After')])
    }
    expect(results).toEqual([
      [200, null],
      [200, null],
      [429, '1'],
      [429, '1'],
    ])
    expect((await authorize(server, client, user)).get('code')).toEqual(expect.any(String))
    server.clock.time += 1
    browser.show(page)
    expect((await browser.press(OTHERS)).status).toBe(200)
  })
})

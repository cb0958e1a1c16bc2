import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import { ACCOUNT, openAccount, selfService } from '../support/account.ts'
import { aroundD1 } from '../support/around_d1.ts'
import { browserOf, signInAt } from '../support/authorize.ts'
import { addPasskey, pressPasskey, registerPasskey } from '../support/passkey.ts'
import { enrol } from '../support/second_factor.ts'
import { TestServer } from '../support/server.ts'

const CONFIG = selfService({ passkeys: { rp_id: 'shop.test' }, second_factor: 'required' })
const PASSKEYS = '/passkeys'
const FACTOR = '/second-factor'
const CODE = '6-digit code'

const REMOVAL = /DELETE FROM (passkeys|totp_factors)/

/** A server in which the first two removals of factors reach D1 together. */
function serverOfTwoRemovals(): TestServer {
  const { promise: both, resolve } = Promise.withResolvers<void>()
  let removals = 0
  const db = aroundD1(async (sql, call) => {
    if (!REMOVAL.test(sql)) return call()
    removals += 1
    if (removals === 2) resolve()
    await both
    return call()
  })
  return new TestServer({ config: CONFIG, env: { DB: db } })
}

/** A user with a passkey, and a function that opens a page of the account in a new browser. */
async function userWithPasskey(server: TestServer) {
  const user = await server.addUser()
  const { authenticator, passkey } = await registerPasskey(server, user)
  const open = async (path: string) => {
    const { browser } = await openAccount(server, user.username, { path })
    await pressPasskey(browser, 'Use a passkey', authenticator)
    return browser
  }
  return { user, passkey, open }
}

async function factorsOf({ services }: TestServer, { id }: { id: string }) {
  const [passkeys, others] = await Promise.all([services.passkeys.list(id), services.factors.list(id)])
  return [...passkeys.map(() => 'passkey'), ...others.map(({ kind }) => kind)]
}

/** Makes a passkey one of an earlier relying party id. */
async function makeOld({ id }: { id: string }): Promise<void> {
  await env.DB.prepare("UPDATE passkeys SET rp_id = 'old.shop.test' WHERE id = ?").bind(id).run()
}

const removeButtons = (html: string) => html.match(/>Remove</g)?.length ?? 0

describe('the last required factor', () => {
  it('of two passkeys that a user removes at the same time, one stays', async () => {
    const server = serverOfTwoRemovals()
    const { user, open } = await userWithPasskey(server)
    await addPasskey(server, user, 'Phone')
    const [first, second] = [await open(PASSKEYS), await open(PASSKEYS)]
    second.show({ ...second.page, html: second.page.html.split('<li>').at(-1) ?? '' })
    const pages = await Promise.all([first.press('Remove'), second.press('Remove')])
    expect(await factorsOf(server, user)).toEqual(['passkey'])
    expect(pages.filter(({ html }) => html.includes('The passkey is removed.'))).toHaveLength(1)
    expect(pages.filter(({ html }) => html.includes('Nothing happened.'))).toHaveLength(1)
  })

  it('of an app and a passkey that a user removes at the same time, one stays', async () => {
    const server = serverOfTwoRemovals()
    const { user, open } = await userWithPasskey(server)
    await enrol(server, user)
    const [first, second] = [await open(PASSKEYS), await open(FACTOR)]
    const pages = await Promise.all([first.press('Remove'), second.press('Remove the app')])
    expect([['passkey'], ['totp', 'recovery_codes']]).toContainEqual(await factorsOf(server, user))
    expect(pages.filter(({ html }) => html.includes('is removed.'))).toHaveLength(1)
    expect(pages.filter(({ html }) => html.includes('Nothing happened.'))).toHaveLength(1)
  })

  it('a passkey that is removed twice at the same time shows no problem', async () => {
    const server = serverOfTwoRemovals()
    const { user, open } = await userWithPasskey(server)
    await addPasskey(server, user, 'Phone')
    const browsers = [await open(PASSKEYS), await open(PASSKEYS)]
    const pages = await Promise.all(browsers.map((browser) => browser.press('Remove')))
    for (const { html } of pages) expect(html).toContain('The passkey is removed.')
    expect(await factorsOf(server, user)).toEqual(['passkey'])
  })

  it('a passkey of an earlier relying party id does not replace the last passkey or the app', async () => {
    const server = new TestServer({ config: CONFIG })
    const { user, passkey, open } = await userWithPasskey(server)
    const old = await addPasskey(server, user, 'Phone')
    await makeOld(old)
    const browser = await open(PASSKEYS)
    expect(removeButtons(browser.page.html)).toBe(1)
    await browser.press('Remove')
    expect((await server.services.passkeys.list(user.id)).map(({ id }) => id)).toEqual([passkey.id])
    await makeOld(passkey)
    const app = await enrol(server, user)
    const other = browserOf(server)
    await other.open(ACCOUNT + FACTOR)
    await signInAt(other, user.username)
    const page = await other.press('Continue', { [CODE]: await app.codeAt(server.clock.time) })
    expect(page.html).toContain('you cannot remove the app')
    const shown = await other.open(ACCOUNT + PASSKEYS)
    expect(removeButtons(shown.html)).toBe(1)
  })
})

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { makeTemporaryDirectory } from '../../scripts/worker_server.ts'
import { RECIPE_LANGUAGES, type RecipeLanguage, RecipeShop } from '../support/recipe_shop.ts'

const SHOP = { SHOP: 'storefront-demo', SHOP_SECRET: 'storefront-demo-secret' }
const OPERATOR = { username: 'operator', password: 'operator battery staple' }
const THROWN = { thrown: 'Sallyport refused the request: 503' }
const [FIRST, SECOND] = ['the first password of Zoe', 'the second password of Zoe']

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const LANGUAGES = Object.keys(RECIPE_LANGUAGES) as RecipeLanguage[]
const MISSING = LANGUAGES.filter((language) => !isInstalled(RECIPE_LANGUAGES[language][0]))
if (MISSING.includes('PHP')) {
  process.stdout.write('\nPHP is missing, so its recipes are skipped. On Debian: apt-get install php-cli\n')
}

async function postJson(url: string, token: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return (await response.json()) as Record<string, string>
}

async function signIn(issuer: string, fields: Record<string, string>): Promise<string | null> {
  const body = new URLSearchParams({ grant_type: 'password', ...fields })
  const response = await fetch(`${issuer}/oauth2-token`, { method: 'POST', body })
  return response.ok ? ((await response.json()) as { access_token: string }).access_token : null
}

/** Creates the service account of the recipes, as an operator. @returns its secret */
async function createAccount(issuer: string, clientId: string): Promise<string> {
  const api = `${issuer}/admin/api`
  const token = (await signIn(issuer, { client_id: 'sallyport-cli', ...OPERATOR })) ?? ''
  const { confirmation = '' } = await postJson(`${api}/me/confirm`, token, {
    current_password: OPERATOR.password,
  })
  const draft = {
    client_id: clientId,
    api: 'admin',
    grants: ['client_credentials'],
    scopes: ['users:read', 'users:write'],
  }
  const headers = { 'Sallyport-Confirmation': confirmation }
  const { client_secret: secret = '' } = await postJson(`${api}/clients`, token, draft, headers)
  return secret
}

/** Tests the recipes of docs/recipes against a running service with the demo data. */
export function describeRecipes(issuerOf: () => string): void {
  describe.each(LANGUAGES)('the recipes for service accounts in %s', (language) => {
    const clientId = `shop-${language}`
    let secret: string
    const directory = makeTemporaryDirectory()

    beforeAll(async () => {
      secret = await createAccount(issuerOf(), clientId)
    })

    function openShop(): RecipeShop {
      const account = { ACCOUNT: clientId, ACCOUNT_SECRET: secret, SALLYPORT: issuerOf() }
      return new RecipeShop(language, join(directory, `${language}.json`), { ...account, ...SHOP })
    }

    const knows = async (username: string, password: string) =>
      (await signIn(issuerOf(), {
        client_id: SHOP.SHOP,
        client_secret: SHOP.SHOP_SECRET,
        username,
        password,
      })) !== null

    it.skipIf(MISSING.includes(language))(
      `a customer registers, resets a forgotten password and changes the address, also after a 503: ${language}`,
      async () => {
        const shop = openShop()
        const name = `zoe.${language.toLowerCase()}`
        const [email, next] = [`${name}@example.com`, `new.${name}@example.com`]
        await shop.call('startRegistration', email)
        const first = shop.takeToken()
        expect(shop.stored()).not.toContain(first)
        const refused = Object(await shop.call('finishRegistration', first, 'short', 'Zoe'))
        expect(refused).toMatchObject({ status: 'refused', problems: [{ path: 'password' }] })
        expect(await shop.call('finishRegistration', first, FIRST, 'Zoe')).toEqual({ status: 'expired' })
        expect(await shop.callWith503('finishRegistration', refused.token, FIRST, 'Zoe')).toEqual(THROWN)
        const registered = Object(await shop.call('finishRegistration', refused.token, FIRST, 'Zoe'))
        expect([registered.status, await knows(email, FIRST)]).toEqual(['registered', true])

        await shop.call('startReset', email)
        const oldReset = shop.takeToken()
        await shop.call('startReset', email)
        // The link has another purpose.
        const wrongUse = await shop.call('finishRegistration', shop.takeToken(), SECOND, 'Zoe')
        expect(wrongUse).toEqual({ status: 'expired' })
        await shop.call('startReset', email)
        const reset = shop.takeToken()
        expect(await shop.callWith503('finishReset', reset, SECOND)).toEqual(THROWN)
        expect(await shop.call('finishReset', reset, SECOND)).toEqual({ status: 'changed' })
        expect(shop.takeMails()).toMatchObject([{ to: email, text: expect.stringContaining('was changed') }])
        // The password was changed since this link was made.
        expect(await shop.call('finishReset', oldReset, FIRST)).toEqual({ status: 'expired' })
        expect([await knows(email, FIRST), await knows(email, SECOND)]).toEqual([false, true])

        expect(await shop.call('startChange', registered.id, FIRST, next)).toBe(false)
        expect(shop.takeMails()).toEqual([])
        expect(await shop.call('startChange', registered.id, SECOND, next)).toBe(true)
        const change = shop.takeToken()
        expect(await knows(next, SECOND)).toBe(false)
        expect(await shop.callWith503('finishChange', change)).toEqual(THROWN)
        expect(await shop.call('finishChange', change)).toBe(true)
        expect(shop.takeMails()).toMatchObject([{ to: email, text: expect.stringContaining(next) }])
        expect(await shop.call('finishChange', change)).toBe(false)
        expect([await knows(next, SECOND), await knows(email, SECOND)]).toEqual([true, false])
      },
    )

    it.skipIf(MISSING.includes(language))(
      `a recipe gives the same result for an address with and without an account, and an expired link does nothing: ${language}`,
      async () => {
        const shop = openShop()
        const [known, unknown] = ['amanda@example.com', `nobody.${language}@example.com`]
        for (const name of ['startRegistration', 'startReset']) {
          expect(await shop.call(name, known)).toEqual(await shop.call(name, unknown))
        }
        expect(shop.takeMails().filter(({ to }) => to === known)).toMatchObject([
          { text: 'You already have an account. Sign in, or choose "Forgotten password".' },
          { text: expect.stringContaining('/reset#') },
        ])
        await shop.call('startRegistration', unknown)
        const token = shop.takeToken()
        shop.expireLinks()
        expect(await shop.call('finishRegistration', token, FIRST, 'Zoe')).toEqual({ status: 'expired' })
        expect(await knows(unknown, FIRST)).toBe(false)
      },
    )
  })
}

import { beforeAll, describe, expect, it } from 'vitest'
import {
  authorize,
  authorizeUrl,
  browserOf,
  CODE_CLIENT,
  exchangeOf,
  readCode,
  signInAt,
} from '../support/authorize.ts'
import type { PageBrowser } from '../support/page_browser.ts'
import { credentials, ISSUER, type TestClient, TestServer } from '../support/server.ts'

const ID_TOKEN_SECONDS = 3600

describe('an id_token_hint (OpenID Connect Core §3.1.2.1)', () => {
  const server = new TestServer()
  let client: TestClient
  let hinted: Awaited<ReturnType<TestServer['addUser']>>
  let other: typeof hinted
  let hint: string

  beforeAll(async () => {
    client = await server.addClient({ ...CODE_CLIENT, confidential: true })
    hinted = await server.addUser()
    other = await server.addUser()
    hint = await idTokenOf(client)
    // The hint has expired in each test.
    server.clock.time += ID_TOKEN_SECONDS + 1
  })

  async function idTokenOf(of: TestClient): Promise<string> {
    const { username } = hinted
    const response = await authorize(server, of, { username, changes: { scope: 'openid' } })
    return (await server.requireTokens(exchangeOf(of, response.get('code')))).id_token ?? ''
  }

  const push = (parameters: Record<string, string>) =>
    server.postJson(
      {
        ...Object.fromEntries(new URL(authorizeUrl(client, parameters)).searchParams),
        ...credentials(client),
      },
      {},
      '/oauth2-token/par',
    )

  /** Opens a request: its parameters in the address, or pushed. */
  const WAYS: Record<string, (browser: PageBrowser, parameters: Record<string, string>) => Promise<URL>> = {
    'in the address': async (browser, parameters) =>
      (await browser.open(authorizeUrl(client, parameters))).url,
    pushed: async (browser, parameters) => {
      const { request_uri } = await (await push(parameters)).json<{ request_uri: string }>()
      const query = new URLSearchParams({ client_id: client.id, request_uri })
      return (await browser.open(`${ISSUER}/oauth2-token/authorize?${query}`)).url
    },
  }

  async function browserOfUser({ username }: typeof hinted): Promise<PageBrowser> {
    const browser = browserOf(server)
    await authorize(server, client, { username, browser })
    return browser
  }

  it.each(Object.entries(WAYS))('an expired hint %s lets only its user sign in', async (_way, open) => {
    const none = { id_token_hint: hint, prompt: 'none' }
    const own = (await open(await browserOfUser(hinted), none)).searchParams
    expect((await readCode(server, own.get('code'))).sub).toBe(hinted.id)
    const browser = await browserOfUser(other)
    expect(Object.fromEntries((await open(browser, none)).searchParams)).toEqual({
      error: 'login_required',
      error_description: 'The user must sign in.',
      state: 'st',
      iss: ISSUER,
    })
    expect((await open(browser, { id_token_hint: hint })).origin).toBe(ISSUER)
    expect((await signInAt(browser, other.username)).url.origin).toBe(ISSUER)
    const code = (await signInAt(browser, hinted.username)).url.searchParams.get('code')
    expect((await readCode(server, code)).sub).toBe(hinted.id)
  })

  it('a hint that is not an ID token of the client is refused, in the address and pushed', async () => {
    const foreign = await idTokenOf(await server.addClient(CODE_CLIENT))
    const browser = await browserOfUser(hinted)
    const refusal = {
      error: 'invalid_request',
      error_description: 'The id_token_hint is not an ID token of the client.',
    }
    for (const id_token_hint of [foreign, 'x', `${hint.slice(0, -10)}AAAAAAAAAA`]) {
      const { url } = await browser.open(authorizeUrl(client, { id_token_hint }))
      expect(Object.fromEntries(url.searchParams)).toEqual({ ...refusal, state: 'st', iss: ISSUER })
      const pushed = await push({ id_token_hint })
      expect([pushed.status, await pushed.json()]).toEqual([400, refusal])
    }
  })
})

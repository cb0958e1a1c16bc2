import fc from 'fast-check'
import { expect } from 'vitest'
import { compact } from '../../src/lib/compact.ts'
import { ACCOUNT } from './account.ts'
import { authorize, authorizeUrl, browserOf, CALLBACK, CODE_CLIENT } from './authorize.ts'
import {
  ACCOUNT_PAGES,
  ALL_WAYS,
  formOf,
  linkFormsOf,
  type OpenForm,
  ownFormsOf,
  type Pairs,
} from './fuzz_account_forms.ts'
import { type FuzzRequest, otherHeaders, rawBody, sometimes, WRONG_URL_IDS } from './fuzz_requests.ts'
import type { Exchange } from './fuzz_server.ts'
import { CANARY, wildText } from './fuzz_text.ts'
import type { PageBrowser } from './page_browser.ts'
import { ISSUER, PASSWORD, type TestClient, TestServer } from './server.ts'

const PAGES = `${ISSUER}/oauth2-token`
const FORM = 'application/x-www-form-urlencoded'
const SIGNED_OUT = 'https://app.test/signed-out'

/** A signed-in browser, its client, and the forms of its pages. */
export interface OpenPages {
  browser: PageBrowser
  client: TestClient
  /** The parameters of a valid authorization request. */
  request: Pairs
  forms: readonly OpenForm[]
  /** The header `Cookie` of the browser. */
  cookie: string
}

/** The addresses of this service to which a response leads. */
const OWN_TARGETS = [
  'authorize',
  'logout',
  'sign-in',
  'email-code',
  'sign-up',
  'sign-up/code',
  'sign-up/account',
  'account',
  'second-factor',
  'passkey',
  'second-factor/email',
  'password',
  'consent',
]
  .map((name) => `${PAGES}/${name}`)
  .concat(ACCOUNT_PAGES.map(({ path }) => ACCOUNT + path))

/** Opens the pages on another server of the same stores, which verifies passwords. */
export async function openPages(): Promise<OpenPages> {
  const server = new TestServer({ config: ALL_WAYS })
  const client = await server.addClient({ ...CODE_CLIENT, postLogoutRedirectUris: [SIGNED_OUT] })
  const partner = await server.addClient({ ...CODE_CLIENT, isFirstParty: false })
  const { username } = await server.addUser()
  const expired = await server.addUser({ mustChangePassword: true })
  const browser = browserOf(server)
  const signIn = formOf(browser, await browser.open(authorizeUrl(client)))
  const emailCode = formOf(browser, await browser.press('Email me a code', { Username: username }))
  await browser.open(authorizeUrl(client))
  const signUp = formOf(browser, await browser.press('Create an account'))
  const address = `${crypto.randomUUID()}@example.com`
  const signUpCode = formOf(browser, await browser.press('Continue', { 'Email address': address }))
  const code = /\b\d{6}\b/.exec((await server.takeMails()).at(-1)?.text ?? '')?.[0] ?? ''
  const newAccount = formOf(browser, await browser.press('Continue', { '6-digit code': code }))
  await browser.open(authorizeUrl(client))
  await authorize(server, client, { username, browser })
  const account = formOf(browser, await browser.open(authorizeUrl(client, { prompt: 'select_account' })))
  const consent = formOf(browser, await browser.open(authorizeUrl(partner)))
  const logout = formOf(browser, await browser.open(`${PAGES}/logout`))
  const own = await ownFormsOf(server, browser)
  const other = browserOf(server)
  await authorize(server, client, { username: expired.username, browser: other })
  const offered = await server.addUser()
  const third = browserOf(server)
  await third.open(authorizeUrl(client))
  const values = { Username: offered.username, Password: PASSWORD, can_have_passkey: 'yes' }
  const passkey = formOf(third, await third.press('Sign in', values))
  // With both cookies, the unchanged form would sign the user out.
  const withoutFormCookie = { ...logout, cookie: account.cookie.replace(/^[^;]+; /, '') }
  const signUps = [signUp, signUpCode, newAccount]
  const forms = [
    signIn,
    emailCode,
    ...signUps,
    account,
    passkey,
    consent,
    withoutFormCookie,
    ...own,
    formOf(other, other.page),
    ...(await linkFormsOf(server, account.cookie)),
  ]
  const request = [...new URL(authorizeUrl(client)).searchParams]
  return { browser, client, request, forms, cookie: account.cookie }
}

const PLAUSIBLE: Readonly<Record<string, readonly string[]>> = {
  response_mode: ['query', 'form_post', 'fragment'],
  prompt: ['none', 'login', 'consent', 'select_account', 'create', 'none login', 'create login'],
  max_age: ['0', '1', '-1', '999999999', '1e3'],
  scope: ['cart', 'openid email', ' ', 'cart cart'],
  ui_locales: ['de', 'uk xx', '__proto__'],
  // The page names the host of a client id.
  client_id: WRONG_URL_IDS.filter((id) => !(URL.canParse(id) && new URL(id).host.includes(CANARY))),
  redirect_uri: [CALLBACK, `https://${CANARY}.test`, 'javascript:alert(1)', '//app.test/callback'],
  post_logout_redirect_uri: [SIGNED_OUT, `https://${CANARY}.test`],
  request_uri: ['urn:ietf:params:oauth:request_uri:', `urn:ietf:params:oauth:request_uri:${CANARY}`],
  resource: ['https://shop.test/api', 'https://shop.test/api/'],
}

const NAMES = [
  ...Object.keys(PLAUSIBLE),
  'response_type',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'login_hint',
  'user_locale',
  'acr_values',
  'visitor_access_token',
  'id_token_hint',
  'dpop_jkt',
  'request',
  'registration',
  'logout_hint',
  CANARY,
]

const oneValue: fc.Arbitrary<[string, string]> = fc
  .constantFrom(...NAMES)
  .chain((name) =>
    fc.tuple(fc.constant(name), fc.oneof(wildText, fc.constantFrom(...(PLAUSIBLE[name] ?? ['x'])))),
  )

/** A valid request with some other values. Seldom a name repeats. */
function changed(request: Pairs): fc.Arbitrary<Pairs> {
  return fc
    .tuple(fc.array(oneValue, { maxLength: 3 }), fc.constantFrom(true, true, true, true, false))
    .map(([values, replaces]) => {
      const names = new Set(values.map(([name]) => name))
      return [...request.filter(([name]) => !replaces || !names.has(name)), ...values]
    })
}

const encode = (pairs: Pairs) =>
  pairs.map((pair) => pair.map((text) => encodeURIComponent(text.toWellFormed())).join('=')).join('&')

const accept = fc.constantFrom('text/html', 'text/html', 'application/json', undefined)

/** Requests by an address, with and without the cookies of the signed-in browser. */
export function pageRequest(path: string, { request, cookie }: OpenPages): fc.Arbitrary<FuzzRequest> {
  return fc
    .record({
      query: fc.oneof(
        { weight: 6, arbitrary: changed(request).map(encode) },
        { weight: 1, arbitrary: queryText },
      ),
      method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST'),
      headers: sometimes(otherHeaders),
      cookie: fc.constantFrom(cookie, undefined),
      accept,
      body: sometimes(rawBody),
    })
    .map(({ query, method, headers, cookie: Cookie, accept: Accept, body }) => {
      const isPost = method === 'POST'
      return {
        method,
        url: isPost ? PAGES + path : `${PAGES}${path}?${query}`,
        headers: compact({
          ...(isPost && { 'Content-Type': FORM }),
          Accept,
          ...headers,
          ...compact({ Cookie }),
        }),
        body: isPost ? (body ?? query) : null,
      }
    })
}

const queryText = wildText.map((text) => encodeURIComponent(text.toWellFormed()).replaceAll('%3D', '='))

/** Forms of the pages: with their ticket, a changed one or any text, and with the cookies of the browser or without. */
export function pageForm({
  path,
  ticket,
  field: ticketField = 'ticket',
  cookie,
  always = [],
}: OpenForm): fc.Arbitrary<FuzzRequest> {
  const field = fc.constantFrom(
    'username',
    'password',
    'current_password',
    'repeated',
    'name',
    'version',
    'email_code',
    'decision',
    'passkey',
    'passkey_challenge',
    'passkey_id',
    'enrolment',
    'totp',
    'consent',
    'ticket',
    CANARY,
  )
  const decision = fc.constantFrom('cancel', 'other', 'stay', 'sign_up', 'passkey', 'remove', 'renew', CANARY)
  return fc
    .record({
      sealed: fc.oneof(
        { weight: 4, arbitrary: fc.constant(ticket) },
        {
          weight: 1,
          arbitrary: fc.nat(ticket.length - 1).map((at) => `${ticket.slice(0, at)}!${ticket.slice(at + 1)}`),
        },
        { weight: 1, arbitrary: wildText },
      ),
      values: fc.array(fc.tuple(field, fc.oneof(wildText, decision)), { maxLength: 4 }),
      headers: sometimes(otherHeaders),
      origin: fc.constantFrom(ISSUER, ISSUER, ISSUER, `https://${CANARY}.test`, 'null', undefined),
      isOwnBrowser: fc.boolean(),
      type: fc.constantFrom(FORM, FORM, FORM, `${FORM}; charset=UTF-8`, 'application/json', 'text/plain'),
      body: sometimes(rawBody),
    })
    .map(({ sealed, values, headers, origin, isOwnBrowser, type, body }) => ({
      method: 'POST',
      url: ISSUER + path,
      headers: compact({
        'Content-Type': type,
        Accept: 'text/html',
        ...headers,
        Origin: origin,
        ...(isOwnBrowser && { Cookie: cookie }),
      }),
      body: body ?? encode([[ticketField, sealed], ...always, ...values]),
    }))
}

const STATUSES = [200, 303, 400, 401, 403, 404, 405, 409, 413, 415, 429]

/** Checks the rules for every response of the pages. */
export function checkPage(exchange: Exchange): void {
  const { request, status, headers, text, lines } = exchange
  expect(STATUSES, JSON.stringify(request)).toContain(status)
  expect(headers.get('Cache-Control')).toBe('no-store, no-transform')
  expect(headers.has('Access-Control-Allow-Origin')).toBe(false)
  expect(headers.get('X-Frame-Options')).toBe('DENY')
  expect(headers.get('Content-Security-Policy')).toContain("frame-ancestors 'none'")
  expect(lines.map((line) => JSON.parse(line).level)).not.toContain('error')
  expect(lines.join('\n')).not.toContain(CANARY)
  checkTarget(headers.get('Location'))
  for (const line of headers.getSetCookie()) expect(line).toMatch(/^__Host-sallyport-form=/)
  checkHtml(text)
}

/** A redirect leads to a registered address or to this server. Only `state` comes from the request. */
function checkTarget(location: string | null): void {
  if (location === null) return
  const target = new URL(location, ISSUER)
  target.searchParams.delete('state')
  expect([CALLBACK, SIGNED_OUT, ...OWN_TARGETS, `${ISSUER}/`]).toContain(target.origin + target.pathname)
  expect(target.href).not.toContain(CANARY)
}

/** A page has no inline script, and texts of the request only in values of fields. */
function checkHtml(html: string): void {
  for (const [, , content] of html.matchAll(/<script([^>]*)>(.*?)<\/script>/gs)) expect(content).toBe('')
  expect(html.replaceAll(/ value="[^"]*"/g, '')).not.toContain(CANARY)
}

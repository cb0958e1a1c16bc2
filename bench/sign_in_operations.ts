import { setTimeout } from 'node:timers/promises'
import { base64url } from 'jose'
import { CookieJar } from '../scripts/cookie_jar.ts'
import type { Env } from '../src/services/environment.ts'
import { SoftwareAuthenticator } from '../test/support/software_authenticator.ts'
import { AUTHORIZATION_QUERY, DISCOVERY_REQUEST, REDIRECT_URI } from './code_flow_operations.ts'
import { get, type HttpAnswer, type HttpRequest, post, require200, type Send } from './exchange.ts'
import { CUSTOMER, type Operation, TOKEN_PATH } from './operations.ts'

/** The number of sign-ins of all callers. */
const PASSKEY_SIGN_INS = 2000
const CODE_SIGN_INS = 600

/** Each user gets one code, because the mails to an address have a budget. */
const READERS = 6000

/** The keys of the mails in KV. */
const INBOX = 'inbox:'

/** A mail waits in the queue for its batch. */
const LONGEST_DELIVERY_MS = 60_000

/** The stores of each server, by its port. */
const stores = new Map<string | undefined, Env>()

/** The user handle of the customer, by the port of the server. */
const userHandles = new Map<string | undefined, string>()

/** The device cookie of a browser, by the origin of the server. */
const devices = new Map<string, Promise<string[]>>()

const authenticator = await SoftwareAuthenticator.make('ES256', '')
let readers = 0

/** The form with a code of a mail, which signs a user in. The request of the code is outside the measured time. */
export const EMAIL_CODE = signIn('email code', CODE_SIGN_INS, async (site, count) => {
  const users = Array.from({ length: count }, () => `reader${++readers}@example.com`)
  const forms: PageForm[] = []
  for (const user of users) forms.push(await requestCode(user, site))
  const codes = await takeCodes(users, site)
  return forms.map((form, i) => submit(form, { email_code: codes.get(users[i] ?? '') ?? '' }))
})

/**
 * The form with a response of a passkey, which signs a user in, in a browser that signed the user in before. The page of the challenge is
 * outside the measured time.
 */
export const PASSKEY = signIn('passkey', PASSKEY_SIGN_INS, async (site, count) => {
  const device = await knownDeviceAt(site)
  const requests: HttpRequest[] = []
  while (requests.length < count) {
    const cookies = new CookieJar()
    cookies.keep(device)
    requests.push(await signInByPasskey(cookies, site))
  }
  return requests
})

/**
 * The device cookie of a browser that signed in before. All callers are this browser: the server remembers 20 browsers of a user, and a
 * sign-in in another one sends a mail.
 */
function knownDeviceAt(site: Site): Promise<string[]> {
  const known = devices.get(site.origin) ?? signInDevice(site)
  devices.set(site.origin, known)
  return known
}

async function signInDevice(site: Site): Promise<string[]> {
  const { headers } = await site.send(await signInByPasskey(new CookieJar(), site))
  return [headers['set-cookie'] ?? []].flat().filter((line) => line.includes('sallyport.device'))
}

/** Opens the sign-in page. @returns its form with a response of the passkey */
async function signInByPasskey(cookies: CookieJar, site: Site): Promise<HttpRequest> {
  const form = await openSignIn(cookies, site)
  const [, options = ''] = /data-options="([^"]*)"/.exec(form.html) ?? []
  authenticator.userHandle = userHandles.get(new URL(site.origin).port) ?? ''
  const passkey = await authenticator.get(JSON.parse(decodeAttribute(options)), { origin: site.origin })
  return submit(form, { decision: 'passkey', passkey })
}

/** Adds a passkey of the demo customer, and users with verified addresses. */
export async function prepareSignIns(env: Env): Promise<void> {
  const { DB } = env
  stores.set(env.LOCAL_PORT, env)
  const { username } = CUSTOMER
  const id = await DB.prepare('SELECT id FROM users WHERE username = ?').bind(username).first<string>('id')
  userHandles.set(env.LOCAL_PORT, base64url.encode(String(id)))
  const key = await authenticator.coseKey()
  const coordinate = (label: number) => base64url.encode(key.get(label) as Uint8Array)
  const jwk = { kty: 'EC', crv: 'P-256', x: coordinate(-2), y: coordinate(-3) }
  const passkey = DB.prepare(
    `INSERT INTO passkeys (id, credential_id, subject, pool, rp_id, public_key, alg, sign_count, transports, name,
       backup_eligible, backed_up, created_at)
     VALUES ('bench', ?, ?, 'customers', 'localhost', ?, 'ES256', 0, '[]', 'bench', 0, 0, unixepoch())`,
  )
  await passkey.bind(base64url.encode(authenticator.credentialId), id, JSON.stringify(jwk)).run()
  const users = DB.prepare(
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO users (id, pool, username, password_hash, roles, created_at, search, profile)
     SELECT 'user:reader' || i, 'customers', 'reader' || i || '@example.com',
       (SELECT password_hash FROM users WHERE id = ?), '[]', unixepoch(), 'reader' || i,
       json_object('email', 'reader' || i || '@example.com', 'email_verified', json('true')) FROM n`,
  )
  await users.bind(READERS, id).run()
}

/** Sends prepared forms, each of which must end at the client. */
function signIn(
  name: string,
  total: number,
  prepare: (site: Site, count: number) => Promise<HttpRequest[]>,
): Operation {
  return {
    name,
    status: 303,
    async open(send, callerCount) {
      const { issuer: origin } = JSON.parse(await require200(send, DISCOVERY_REQUEST))
      const requests = await prepare({ send, origin }, Math.max(2, Math.ceil(total / callerCount)))
      return {
        next: () => requests.pop() ?? null,
        accept(_body, { location }) {
          if (!String(location).startsWith(REDIRECT_URI)) throw new Error(`${name} led to ${location}`)
        },
      }
    },
  }
}

/** The service, for a browser. */
interface Site {
  send: Send
  origin: string
}

/** The main form of a page in one browser. */
interface PageForm {
  origin: string
  html: string
  path: string
  cookies: CookieJar
}

function openSignIn(cookies: CookieJar, site: Site): Promise<PageForm> {
  return showPage(`${TOKEN_PATH}/authorize?${AUTHORIZATION_QUERY}`, cookies, site)
}

async function showPage(path: string, cookies: CookieJar, { send, origin }: Site): Promise<PageForm> {
  const response = await send(get(path, { Accept: 'text/html', Cookie: cookies.header }))
  cookies.keep([response.headers['set-cookie'] ?? []].flat())
  const [html = '', action = ''] =
    /<form method="post" action="([^"]*)".*?<\/form>/s.exec(response.body) ?? []
  if (action === '') throw new Error(`${path} returned ${response.status}: ${response.body}`)
  return { origin, html, path: action, cookies }
}

/** The request of a form with its hidden fields. */
function submit({ origin, html, path, cookies }: PageForm, fields: Record<string, string>): HttpRequest {
  const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
  const request = post(path, {
    ...Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, decodeAttribute(value)])),
    ...fields,
  })
  const headers = { Accept: 'text/html', Origin: origin, Cookie: cookies.header }
  return { ...request, headers: { ...request.headers, ...headers } }
}

/** Requests a code, and returns the form for it. */
async function requestCode(username: string, site: Site): Promise<PageForm> {
  const form = await openSignIn(new CookieJar(), site)
  const response = await site.send(submit(form, { decision: 'email_code', username }))
  return showPage(addressOf(response), form.cookies, site)
}

/** Waits for the mails to the users, and takes them from the inbox. @returns the code of each user */
async function takeCodes(users: readonly string[], { origin }: Site): Promise<Map<string, string>> {
  const kv = stores.get(new URL(origin).port)?.KV
  const wanted = new Set(users)
  const codes = new Map<string, string>()
  const end = Date.now() + LONGEST_DELIVERY_MS
  while (kv !== undefined && codes.size < wanted.size && Date.now() < end) {
    await setTimeout(100)
    const { keys } = await kv.list<{ to: string }>({ prefix: INBOX })
    const arrived = keys.filter(({ metadata }) => wanted.has(metadata?.to ?? ''))
    for (const { name, metadata } of arrived) {
      const [code] = /\b\d{6}\b/.exec((await kv.get<{ text: string }>(name, 'json'))?.text ?? '') ?? []
      if (code !== undefined) codes.set(String(metadata?.to), code)
      await kv.delete(name)
    }
  }
  if (codes.size < wanted.size) throw new Error(`${wanted.size - codes.size} mails did not arrive`)
  return codes
}

function addressOf({ headers, status, body }: HttpAnswer): string {
  const { location } = headers
  if (typeof location !== 'string') throw new Error(`the form returned ${status}: ${body}`)
  return location
}

function decodeAttribute(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}

/// <reference types="vite/client" />
import { expect } from 'vitest'
import errorsPage from '../../docs/errors.md?raw'
import { usesBasic } from '../../src/oauth/client_authentication.ts'
import type { ErrorDialect } from '../../src/oauth/error_dialect.ts'
import { CLIENT_ORIGIN, CONFIG_ORIGIN } from './fuzz_requests.ts'
import type { Exchange } from './fuzz_server.ts'
import { CANARY } from './fuzz_text.ts'

const JSON_TYPE = 'application/json; charset=UTF-8'

/** The reasons of a 503 that inputs can cause, each with its `Retry-After`: unknown client ids, and a document that does not exist. */
const UNAVAILABLE: ReadonlyMap<string, string> = new Map([
  ['the budget of unknown client ids is used up', '2'],
  ['the document of the client is not known', '2'],
  ['the document of the client: connection: no response', '10'],
])

/** Rows of the table in docs/errors.md: status, `error`, and the value in the `oro` dialect. */
const ROW = /^\|[^|]*\| (\d{3}) \| `(\w+)` \|[^|]*\|(.*)\|$/gm

/** The responses that the page documents, such as `400 invalid_request`. */
function documentedErrors(dialect: ErrorDialect): ReadonlySet<string> {
  const rows = [...errorsPage.matchAll(ROW)]
  const own = rows.map(([, status, error]) => `${status} ${error}`)
  const others = rows.flatMap(([, status, , oro = '']) => {
    const [, otherStatus = status, error] = /(?:(\d{3}) )?`(\w+_\w+)`/.exec(oro) ?? []
    return error === undefined ? [] : [`${otherStatus} ${error}`]
  })
  const unsupported = dialect === 'oro' ? ['400 unsupported_grant_type'] : []
  return new Set([...own, ...(dialect === 'oro' ? others : []), ...unsupported])
}

/** Rows of the table about authorization requests in docs/errors.md, whose errors the challenge endpoint and pushed requests have too. */
const AUTHORIZATION_ROW = /^\|[^|]*\| `(\w+)` \|[^|]*\|$/gm
const OF_AUTHORIZATION = [...errorsPage.matchAll(AUTHORIZATION_ROW)].map(([, error]) => `400 ${error}`)

const DOCUMENTED = { rfc6749: documentedErrors('rfc6749'), oro: documentedErrors('oro') }

/** Checks the rules for every response of the endpoints for clients and APIs. */
export function checkAnswer(exchange: Exchange, dialect: ErrorDialect = 'rfc6749'): void {
  const { request, status, headers } = exchange
  const isStep = asksForMore(exchange)
  if (isStep) checkStep(exchange)
  else if (status >= 400) checkRefusal(exchange, dialect)
  else expect([200, 201, 204, 304]).toContain(status)
  if (request.method === 'POST' || status >= 400) {
    expect([headers.get('Cache-Control'), headers.get('Pragma')]).toEqual([
      'no-store, no-transform',
      'no-cache',
    ])
  }
  checkForm(exchange)
  checkCors(exchange)
  checkSilence(exchange)
  if (!isStep) checkLog(exchange)
}

/** Whether a sign-in in steps needs a further input, which is no refusal. */
function asksForMore({ request, status, text }: Exchange): boolean {
  if (!isChallenge(request) || status !== 400 || text === '') return false
  return JSON.parse(text).error === 'insufficient_authorization'
}

/** Whether the endpoint has the errors of an authorization request. */
function readsAuthorization({ url }: Exchange['request']): boolean {
  return ['/oauth2-token/challenge', '/oauth2-token/par'].includes(new URL(url).pathname)
}

function isChallenge({ url }: Exchange['request']): boolean {
  return new URL(url).pathname === '/oauth2-token/challenge'
}

/** The log has no line of a normal step. */
function checkStep({ text, lines }: Exchange): void {
  const { auth_session, next, passkey_options, message, ...error } = JSON.parse(text)
  expect(Object.keys(error)).toEqual(['error', 'error_description'])
  expect([typeof auth_session, next]).toEqual(['string', ['username', 'password']])
  expect(lines).toEqual([])
}

function checkRefusal({ request, status, headers, text, lines }: Exchange, dialect: ErrorDialect): void {
  const [line = '{}'] = lines
  const { error } = request.method === 'HEAD' ? JSON.parse(line) : JSON.parse(text)
  const documented = [...DOCUMENTED[dialect], ...(readsAuthorization(request) ? OF_AUTHORIZATION : [])]
  expect(documented).toContain(`${status} ${error}`)
  expect(status).not.toBe(500)
  const retryAfter = status === 503 ? UNAVAILABLE.get(JSON.parse(line).reason) : null
  expect(headers.get('Retry-After')).toBe(retryAfter)
  if (status === 503) expect(error).toBe('temporarily_unavailable')
  expect(headers.has('Allow')).toBe(status === 405)
  const isChallenged = error === 'invalid_client' && usesBasic(request.headers.Authorization?.trim())
  expect(headers.has('WWW-Authenticate')).toBe(isChallenged)
  if (request.method === 'HEAD') return
  const members =
    dialect === 'oro' ? ['error', 'error_description', 'message'] : ['error', 'error_description']
  expect(Object.keys(JSON.parse(text)).filter((name) => name !== 'hint' || dialect !== 'oro')).toEqual(
    members,
  )
}

/** JSON, except the feed and the page that browsers get at `/`. Empty for HEAD, 204 and 304. */
function checkForm({ request, status, headers, text }: Exchange): void {
  if (status === 204 || status === 304 || request.method === 'HEAD') expect(text).toBe('')
  if (status === 204 || status === 304) return
  const type = (status === 200 && otherTypeOf(request)) || JSON_TYPE
  expect(headers.get('Content-Type')).toBe(type)
  if (text !== '' && type === JSON_TYPE) expect(typeof JSON.parse(text)).toBe('object')
}

/** The media type of a path that does not respond with JSON. */
function otherTypeOf({ url, headers }: Exchange['request']): string | null {
  const { pathname } = new URL(url)
  if (pathname === '/revocations') return 'application/jwt'
  return pathname === '/' && headers.Accept?.trim() === 'text/html' ? 'text/html; charset=UTF-8' : null
}

/** Checks that CORS headers name only a known origin, and only to that origin. */
function checkCors({ request, headers }: Exchange): void {
  const allowed = headers.get('Access-Control-Allow-Origin')
  if (allowed !== null) {
    expect([CLIENT_ORIGIN, CONFIG_ORIGIN]).toContain(allowed)
    expect(request.headers.Origin?.trim()).toBe(allowed)
    expect(headers.get('Vary')).toContain('Origin')
  }
  expect(headers.has('Access-Control-Allow-Credentials')).toBe(false)
}

/** Checks that no part of the request is in the response body, a response header or the log. */
export function checkSilence({ request, headers, text, lines }: Exchange): void {
  const response = [text, ...[...headers].flat()].join('\n')
  for (const secret of secretsOf(request)) {
    expect(response).not.toContain(secret)
    expect(lines.join('\n')).not.toContain(secret)
  }
}

/** The texts to find: the canary, and credentials with the canary in base64. */
function secretsOf({ headers }: Exchange['request']): string[] {
  const [, credentials = ''] = (headers.Authorization ?? '').split(' ')
  return credentials.length > 12 ? [CANARY, credentials] : [CANARY]
}

/** Checks the log: one line with the status for a refusal, none for a success. */
export function checkLog({ status, lines }: Exchange): void {
  const logged = lines.map((line) => JSON.parse(line))
  const expected = status < 400 ? [] : [[status >= 500 ? 'error' : 'info', status]]
  expect(logged.map((line) => [line.level, line.status])).toEqual(expected)
}

import fc from 'fast-check'
import { compact } from '../../src/lib/compact.ts'
import { CANARY, nested, toBase64, toHeaderValue, wildHeaderValue, wildJson, wildText } from './fuzz_text.ts'
import { APIS, basic, ISSUER, type TestClient } from './server.ts'

/** A request before it is sent, as a counterexample shows it. */
export interface FuzzRequest {
  method: string
  url: string
  headers: Record<string, string>
  body: string | Uint8Array<ArrayBuffer> | null
}

/** Existing clients and a session that requests may name. */
export interface Known {
  /** The client has the grant client_credentials. */
  machine: TestClient
  /** The client has the password grant and an origin. */
  shop: TestClient
  page: TestClient
  /** The id of the client is AGENT_ID. */
  agent: TestClient
}

const AGENT_HOST = 'agent.example'

/** The URL of the document of a client, and one that its server does not have. */
export const AGENT_ID = `https://${AGENT_HOST}/client.json`
export const LOST_ID = `https://${AGENT_HOST}/lost.json`

/** config.yml with an API for agents. Their documents are at one host. */
export const WITH_AGENTS = {
  apis: {
    ...APIS,
    agents: {
      audience: 'https://agents.shop.test/api',
      users: 'customers',
      agents: true,
      scopes: ['search'],
      scope_texts: { search: 'Searches' },
    },
  },
  admin_api: 'admin',
  agents: { trusted_hosts: [AGENT_HOST], default_api: 'agents' },
}

/** URLs that are no client id, because of their host or their form. */
export const WRONG_URL_IDS = [
  `https://${CANARY}.example/client.json`,
  `http://${AGENT_HOST}/client.json`,
  `https://${AGENT_HOST}`,
  `https://${AGENT_HOST}/`,
  `https://${AGENT_HOST}/a/../client.json`,
  `https://${AGENT_HOST}/client.json#${CANARY}`,
  `https://${AGENT_HOST}:8443/client.json`,
  `https://${CANARY}@${AGENT_HOST}/client.json`,
  `https://${AGENT_HOST}.${CANARY}/client.json`,
  `https://${AGENT_HOST}/client.json\u0000`,
  `https://${AGENT_HOST}/${'x'.repeat(255)}`,
  'HTTPS://AGENT.EXAMPLE/client.json',
  'https://127.0.0.1/client.json',
  'https://[::1]/client.json',
  'https://localhost/client.json',
  'https://ágent.example/client.json',
  'https:client.json',
]

export const CLIENT_ORIGIN = 'https://app.shop.test'
export const CONFIG_ORIGIN = 'https://www.shop.test'

/** Whether the body or the header `Authorization` has a URL, which may be the client id. */
export function namesUrl({ body, headers }: FuzzRequest): boolean {
  const [, encoded = ''] = (headers.Authorization ?? '').split(' ')
  const credentials = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) && encoded.length % 4 === 0 ? atob(encoded) : ''
  return /https?(?::|%3A)/i.test(`${body} ${credentials}`)
}

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'patch',
  'BREW',
].filter(isMethod)

const HOSTS = [ISSUER, `https://${CANARY}.example`, 'http://127.0.0.1:1', 'https://[::1]']

const CONTENT_TYPES = [
  'application/json',
  'application/x-www-form-urlencoded',
  'APPLICATION/JSON; charset="UTF-8"',
  'application/json;',
  'application/json; charset=utf-16',
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/jwt',
  '',
  ';',
  '/',
]

const ORIGINS = [
  CLIENT_ORIGIN,
  CONFIG_ORIGIN,
  'null',
  '*',
  `https://${CANARY}.test`,
  `${CONFIG_ORIGIN}.${CANARY}.test`,
  CONFIG_ORIGIN.toUpperCase(),
  `${CONFIG_ORIGIN}/`,
  `${CONFIG_ORIGIN}, https://${CANARY}.test`,
  'http://www.shop.test',
]

/** Headers that some servers, frameworks or proxies interpret. */
const HEADERS: Record<string, fc.Arbitrary<string>> = {
  Accept: fc.constantFrom('text/html', 'application/xml', '*/*;q=0'),
  'Accept-Encoding': fc.constantFrom('br', 'identity;q=0'),
  'Access-Control-Request-Headers': wildHeaderValue,
  'Access-Control-Request-Method': fc.constantFrom('POST', 'DELETE', CANARY),
  'CF-Connecting-IP': fc.oneof(
    wildHeaderValue,
    fc.constantFrom('192.0.2.1', '::1', '2001:db8::1', '::ffff:1.2.3.4', ':::'),
  ),
  'Content-Encoding': fc.constantFrom('gzip', 'identity', CANARY),
  Cookie: wildHeaderValue,
  Forwarded: fc.constant(`for=${CANARY};host=${CANARY}.example`),
  Host: fc.constant(`${CANARY}.example`),
  'If-Match': fc.constantFrom('"1"', '*', 'W/"1"', '"', CANARY),
  'If-None-Match': fc.oneof(wildHeaderValue, fc.constantFrom('*', '""', 'W/"', ',,,', '"a", "b"')),
  'If-Modified-Since': wildHeaderValue,
  Origin: fc.oneof(fc.constantFrom(...ORIGINS), wildHeaderValue),
  Range: fc.constantFrom('bytes=0-1', 'bytes=-1', CANARY),
  'Transfer-Encoding': fc.constantFrom('chunked', CANARY),
  'X-Forwarded-Host': fc.constant(`${CANARY}.example`),
  'X-Forwarded-For': wildHeaderValue,
  'X-HTTP-Method-Override': fc.constantFrom('DELETE', 'GET'),
  'X-Original-URL': fc.constant('/admin/api/keys'),
  [`X-${CANARY}`]: wildHeaderValue,
}

export const otherHeaders: fc.Arbitrary<Record<string, string>> = fc
  .uniqueArray(fc.constantFrom(...Object.keys(HEADERS)), { maxLength: 3 })
  .chain((names) =>
    fc.record(Object.fromEntries(names.map((name) => [name, HEADERS[name] ?? wildHeaderValue]))),
  )

/** Authorization headers of many kinds, including those of the clients. */
export function authorization({ machine, page, agent }: Known): fc.Arbitrary<string> {
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom(basic(machine.id, machine.secret), basic(page.id, ''), basic(agent.id, '')),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(wildText, wildText).map(([id, secret]) => `Basic ${toBase64(`${id}:${secret}`)}`),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom('Basic', 'basic ', 'Basic :', 'Basic ====', 'Bearer', `Bearer ${CANARY}`),
    },
    { weight: 1, arbitrary: wildHeaderValue },
    { weight: 1, arbitrary: wildText.map((text) => `Basic ${toHeaderValue(text)}`) },
  )
}

/** A value that is sometimes absent. */
export function sometimes<T>(arbitrary: fc.Arbitrary<T>, weight = 1): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight, arbitrary })
}

/** Requests of every method to any path, with or without a body. */
export function requestTo(path: fc.Arbitrary<string>, known: Known): fc.Arbitrary<FuzzRequest> {
  return fc
    .record({
      method: fc.oneof({ weight: 3, arbitrary: fc.constant('GET') }, fc.constantFrom(...METHODS)),
      host: fc.oneof({ weight: 3, arbitrary: fc.constant(ISSUER) }, fc.constantFrom(...HOSTS)),
      path,
      query: sometimes(wildText.map((text) => `?${encodeURIComponent(text.toWellFormed())}`)),
      headers: otherHeaders,
      credentials: sometimes(authorization(known)),
      body: sometimes(rawBody),
    })
    .map(({ method, host, path, query, headers, credentials, body }) => ({
      method,
      url: host + path + (query ?? ''),
      headers: credentials === null ? headers : { ...headers, Authorization: credentials },
      body: method === 'GET' || method === 'HEAD' ? null : body,
    }))
}

/** Posts to a path: parameters with random values as a form or as JSON, or another body. */
export function postTo(
  path: string,
  parameters: fc.Arbitrary<[string, unknown][]>,
  known: Known,
): fc.Arbitrary<FuzzRequest> {
  return fc
    .record({
      content: fc.oneof(
        { weight: 5, arbitrary: formOrJson(parameters) },
        { weight: 1, arbitrary: anyContent },
      ),
      headers: sometimes(otherHeaders),
      credentials: sometimes(authorization(known)),
      isSized: fc.boolean(),
    })
    .map(({ content, headers, credentials, isSized }) => ({
      method: 'POST',
      url: ISSUER + path,
      headers: compact({
        'Content-Type': content.type,
        ...headers,
        ...(isSized ? { 'Content-Length': String(sizeOf(content.body)) } : {}),
        Authorization: credentials ?? undefined,
      }),
      body: content.body,
    }))
}

interface Content {
  type: string
  body: FuzzRequest['body']
}

function formOrJson(parameters: fc.Arbitrary<[string, unknown][]>): fc.Arbitrary<Content> {
  return fc
    .tuple(parameters, fc.constantFrom(toJson, toJson, toForm, toLooseForm))
    .map(([pairs, format]) => format(pairs))
}

/** JSON of the parameters. Unlike an object, it can repeat a name. */
function toJson(pairs: readonly [string, unknown][]): Content {
  const members = pairs.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  return { type: 'application/json', body: `{${members.join(',')}}` }
}

function toForm(pairs: readonly [string, unknown][]): Content {
  const encode = (value: unknown) => encodeURIComponent(textOf(value).toWellFormed())
  return {
    type: 'application/x-www-form-urlencoded',
    body: pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'),
  }
}

function toLooseForm(pairs: readonly [string, unknown][]): Content {
  return {
    type: 'application/x-www-form-urlencoded',
    body: pairs.map(([name, value]) => `${name}=${textOf(value)}`).join('&'),
  }
}

function sizeOf(body: FuzzRequest['body']): number {
  return typeof body === 'string' ? new TextEncoder().encode(body).length : (body?.length ?? 0)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

const BRACKETS: [string, string][] = [
  ['[', ']'],
  ['{"a":', '}'],
]

/** Bodies of every kind, shorter and longer than the limit. */
export const rawBody: fc.Arbitrary<string | Uint8Array<ArrayBuffer>> = fc.oneof(
  wildText,
  wildJson.map((value) => JSON.stringify(value)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.from(bytes)),
  fc
    .tuple(fc.nat({ max: 3000 }), fc.constantFrom(...BRACKETS))
    .map(([levels, brackets]) => nested(levels, brackets)),
  fc
    .integer({ min: 16_300, max: 16_500 })
    .map((length) => `{"password":"${CANARY}${'x'.repeat(length - 23)}"}`),
  fc.constantFrom(17_000, 100_000).map((length) => `username=${CANARY}${'%41'.repeat(length / 3)}`),
  fc.constantFrom(
    '{"a":"b"',
    '{"a":"b"}}',
    '\ufeff{}',
    '{"a":1e999}',
    '&&==&&',
    '=',
    '%',
    'a=%c0%80',
    '{"a":"\\ud800"}',
  ),
)

const anyContent: fc.Arbitrary<Content> = fc
  .tuple(fc.oneof(fc.constantFrom(...CONTENT_TYPES), wildHeaderValue), rawBody)
  .map(([type, body]) => ({ type, body }))

export const preflight: fc.Arbitrary<Record<string, string>> = fc.record({
  Origin: fc.oneof(fc.constantFrom(...ORIGINS), wildHeaderValue),
  'Access-Control-Request-Method': fc.oneof(fc.constantFrom(...METHODS), wildHeaderValue),
  'Access-Control-Request-Headers': fc.oneof(
    fc.constantFrom('content-type', 'x-shop-version', CANARY),
    wildHeaderValue,
  ),
})

/** Paths that no endpoint has. Some differ little from those of endpoints. */
export const unknownPath: fc.Arbitrary<string> = fc
  .oneof(
    wildText.map((text) => `/${encodeURIComponent(text.toWellFormed())}`),
    fc.constantFrom(
      '//',
      '//oauth2-token',
      '/oauth2-token/',
      '/OAUTH2-TOKEN',
      '/oauth2-token%00',
      '/%zz',
      '/%e0%a4%a',
    ),
    fc.constantFrom(
      `/${CANARY}`,
      `/.well-known/${CANARY}`,
      `/health/${CANARY}`,
      '/favicon.ico',
      '/.env',
      '/admin',
      '/admin/apis',
    ),
    fc.nat({ max: 9000 }).map((length) => `/${CANARY}${'p'.repeat(length)}`),
  )
  .filter((path) => new URL(ISSUER + path).pathname !== '/')

function isMethod(method: string): boolean {
  try {
    return new Request(ISSUER, { method }).method !== ''
  } catch {
    return false
  }
}

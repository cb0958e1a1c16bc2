import fc from 'fast-check'
import { base64url, decodeJwt, decodeProtectedHeader, exportSPKI, importJWK, type JWK } from 'jose'
import { CANARY, wildJson, wildText } from './fuzz_text.ts'
import type { TestServer } from './server.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** A token with one character replaced by another of the alphabet or by a dot. */
export function replaceAt(token: string, position: number, offset: number): string {
  const index = ALPHABET.indexOf(token.charAt(position))
  const other = ALPHABET.charAt(index < 0 ? offset : (index + offset) % ALPHABET.length)
  return token.slice(0, position) + other + token.slice(position + 1)
}

/** Characters that a lenient decoder ignores, and others. */
const INSERTED = [
  '=',
  '==',
  ' ',
  '\n',
  '\t',
  '\r',
  '\f',
  '.',
  '..',
  '+',
  '/',
  '-',
  '_',
  'A',
  '\0',
  '\u00a0',
  'é',
  '%3D',
  ',',
]

/** Ways to change a text in one place. Each gives a different text. */
export function editsOf(token: string): fc.Arbitrary<string> {
  const position = fc.oneof(fc.nat({ max: token.length }), fc.constantFrom(0, token.length, ...dotsOf(token)))
  return fc
    .oneof(
      fc
        .tuple(position, fc.constantFrom(...INSERTED))
        .map(([at, text]) => token.slice(0, at) + text + token.slice(at)),
      fc
        .tuple(position, fc.integer({ min: 1, max: 8 }))
        .map(([at, count]) => token.slice(0, at) + token.slice(at + count)),
      fc.tuple(position, position).map(([from, to]) => token.slice(0, from) + token.slice(to)),
      position.map((at) => `${token.slice(0, at)}.${CANARY}`),
      wildText.map((text) => token + text),
      wildText.map((text) => text + token),
    )
    .filter((text) => text !== token && text !== '')
}

function dotsOf(token: string): number[] {
  return [...token.matchAll(/\./g)].flatMap(({ index }) => [index, index + 1])
}

/** How a forged token is signed. */
export const FORGERIES = [
  'the old signature',
  'another key',
  'another key in the header',
  'no algorithm',
  'HS256 with the public key',
  'HS256 with its PEM',
  'an empty signature',
] as const
type Forgery = (typeof FORGERIES)[number]

interface Parts {
  header: Record<string, unknown>
  payload: Record<string, unknown>
}

/** A token with a claim or a header parameter changed, and how it is signed. */
export interface ForgedToken {
  forgery: Forgery
  changes: { header: Record<string, unknown>; payload: Record<string, unknown>; without: string[] }
}

const CLAIMS = [
  'iss',
  'aud',
  'sub',
  'client_id',
  'iat',
  'exp',
  'jti',
  'sid',
  'seq',
  'scope',
  'roles',
  'visitor_id',
  'nbf',
]
const HEADERS = ['alg', 'kid', 'typ', 'crit', 'b64', 'jku', 'x5u', 'x5c', 'jwk', 'zip', 'cty']
const TYPES = ['at+jwt', 'rt+jwt', 'revocations+jwt', 'JWT', 'application/at+jwt', 'AT+JWT', '']

const claimValue = fc.oneof(
  wildJson,
  fc.constantFrom(
    0,
    4_000_000_000,
    -1,
    1e300,
    'admin',
    ['admin'],
    'https://id.shop.test',
    'https://id.shop.test/admin/api',
  ),
)

export const forgedToken: fc.Arbitrary<ForgedToken> = fc.record({
  forgery: fc.constantFrom(...FORGERIES),
  changes: fc.record({
    header: fc.oneof(
      { weight: 2, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: fc.constantFrom(...TYPES).map((typ) => ({ typ })) },
      { weight: 2, arbitrary: fc.dictionary(fc.constantFrom(...HEADERS), claimValue, { maxKeys: 2 }) },
    ),
    payload: fc.dictionary(fc.constantFrom(...CLAIMS), claimValue, { minKeys: 1, maxKeys: 3 }),
    without: fc.uniqueArray(fc.constantFrom(...CLAIMS), { maxLength: 2 }),
  }),
})

/** Signs tokens as an attacker who only has the public key. */
export class Forger {
  readonly #own: CryptoKeyPair
  readonly #ownJwk: JsonWebKey
  readonly #publicJwk: JWK
  readonly #pem: string

  private constructor(
    own: CryptoKeyPair,
    ownJwk: JsonWebKey,
    { publicJwk, pem }: { publicJwk: JWK; pem: string },
  ) {
    this.#own = own
    this.#ownJwk = ownJwk
    this.#publicJwk = publicJwk
    this.#pem = pem
  }

  static async of(server: TestServer): Promise<Forger> {
    const { keys } = await (await server.fetch('/.well-known/jwks.json')).json<{ keys: JWK[] }>()
    const [publicJwk = {}] = keys
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
    const own = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
    const ownJwk = (await crypto.subtle.exportKey('jwk', own.publicKey)) as JsonWebKey
    const pem = await exportSPKI((await importJWK(publicJwk, 'ES256', { extractable: true })) as CryptoKey)
    return new Forger(own, ownJwk, { publicJwk, pem })
  }

  /** The token with the changes and with the chosen signature. */
  async forge(token: string, { forgery, changes }: ForgedToken): Promise<string> {
    const payload: Parts['payload'] = { ...decodeJwt(token), ...changes.payload }
    for (const name of changes.without) delete payload[name]
    const header = { ...decodeProtectedHeader(token), ...changes.header, ...this.#headerOf(forgery) }
    const signed = `${encode(header)}.${encode(payload)}`
    return `${signed}.${await this.#sign(signed, forgery, token)}`
  }

  #headerOf(forgery: Forgery): Parts['header'] {
    if (forgery === 'no algorithm') return { alg: 'none' }
    if (forgery.startsWith('HS256')) return { alg: 'HS256' }
    return forgery === 'another key in the header' ? { jwk: this.#ownJwk } : {}
  }

  async #sign(signed: string, forgery: Forgery, token: string): Promise<string> {
    if (forgery === 'the old signature') return token.slice(token.lastIndexOf('.') + 1)
    if (forgery === 'no algorithm' || forgery === 'an empty signature') return ''
    if (forgery === 'HS256 with its PEM') return hmac(this.#pem, signed)
    if (forgery === 'HS256 with the public key') return hmac(JSON.stringify(this.#publicJwk), signed)
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
    const signature = await crypto.subtle.sign(algorithm, this.#own.privateKey, bytesOf(signed))
    return base64url.encode(new Uint8Array(signature))
  }
}

/** Texts that are not tokens. Some have the form of a token. */
export const noToken: fc.Arbitrary<string> = fc
  .oneof(
    wildText,
    fc.tuple(wildText, wildText, wildText).map((parts) => parts.join('.')),
    fc
      .tuple(wildJson, wildJson, wildText)
      .map(([header, payload, rest]) => [encode(header), encode(payload), rest].join('.')),
    fc.integer({ min: 1, max: 4 }).map((count) =>
      Array(count)
        .fill(encode({ alg: 'ES256', kid: CANARY, typ: 'at+jwt' }))
        .join('.'),
    ),
  )
  .filter((text) => text !== '')

async function hmac(secret: string, text: string): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', bytesOf(secret), algorithm, false, ['sign'])
  return base64url.encode(new Uint8Array(await crypto.subtle.sign('HMAC', key, bytesOf(text))))
}

function encode(value: unknown): string {
  return base64url.encode(JSON.stringify(value) ?? 'null')
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(new TextEncoder().encode(text))
}

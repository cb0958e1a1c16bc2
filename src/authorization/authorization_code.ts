import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'

/** The lifetime of a code (RFC 6749 §4.1.2 recommends at most 10 minutes). */
export const CODE_SECONDS = 60

/** The maximum length of a code. Servers and proxies limit the length of a URL. */
export const MAX_CODE_CHARACTERS = 1250

/** The content of a code. Times are Unix seconds. */
export interface AuthorizationCode {
  /** The session that the exchange starts. */
  sid: string
  sub: string
  client: string
  api: string
  scope: string[]
  /** The hash of the redirect URI of the request; null if the request had none. */
  uri: string | null
  /** The `code_challenge` (RFC 7636 §4.2); null without PKCE. */
  challenge: string | null
  /** The thumbprint of the DPoP key to which the code is bound (RFC 9449 §10); null without one. */
  key: string | null
  nonce: string | null
  iat: number
  /** When the code was issued by the clock of the server. `iat` can be later, after a revocation of the user. */
  at: number
  /** The authentication of the user; null for a guest. `browser` is null if the user signed in without a browser session. */
  auth: { time: number; amr: string[]; acr: string; browser: string | null } | null
  /** The consent of the user; null for a first-party client. `given`: in this request, so the exchange stores it. */
  consent: { id: string; given: boolean } | null
  /** The guest whom the exchange merges; null without one. */
  visitor: { subject: string; sid: string } | null
}

const text = z.string()

/** The values of a sealed code. Names are left out and times are relative to `at`, so that the code is short in an address. */
const packedSchema = z.tuple([
  ...([text, text, text, text, text] as const),
  ...([z.nullable(text), z.nullable(text), z.nullable(text), z.nullable(text)] as const),
  ...([z.int(), z.int()] as const),
  z.nullable(z.tuple([z.int(), text, text, z.nullable(text)])),
  z.nullable(z.tuple([text, z.int()])),
  z.nullable(z.tuple([text, text])),
])

type PackedCode = z.output<typeof packedSchema>

function pack({ auth, consent, visitor, ...code }: AuthorizationCode): PackedCode {
  const { sid, sub, client, api, scope, uri, challenge, key, nonce, iat, at } = code
  return [
    ...([sid, sub, client, api, scope.join(' '), uri, challenge, key, nonce, at, iat - at] as const),
    auth && [at - auth.time, auth.amr.join(' '), auth.acr, auth.browser],
    consent && [consent.id, Number(consent.given)],
    visitor && [visitor.subject, visitor.sid],
  ]
}

function unpack(packed: PackedCode): AuthorizationCode {
  const [sid, sub, client, api, scope, uri, challenge, key, nonce, at, ahead, auth, consent, visitor] = packed
  return {
    sid,
    sub,
    client,
    api,
    scope: splitWords(scope),
    uri,
    challenge,
    key,
    nonce,
    iat: at + ahead,
    at,
    auth: auth && { time: at - auth[0], amr: splitWords(auth[1]), acr: auth[2], browser: auth[3] },
    consent: consent && { id: consent[0], given: consent[1] === 1 },
    visitor: visitor && { subject: visitor[0], sid: visitor[1] },
  }
}

const splitWords = (words: string) => words.split(' ').filter((word) => word !== '')

/** Seals authorization codes. The server stores no row of a code before its exchange. */
export class CodeSealer {
  readonly #sealer: TextSealer

  constructor(sealer: TextSealer) {
    this.#sealer = sealer
  }

  /** @returns the code; null if it would be longer than MAX_CODE_CHARACTERS */
  async seal(code: AuthorizationCode): Promise<string | null> {
    const sealed = await this.#sealer.sealValue(pack(code))
    return sealed.length > MAX_CODE_CHARACTERS ? null : sealed
  }

  /** The content of a code that this server sealed; null for any other text. The caller checks the lifetime. */
  async open(sealed: string): Promise<AuthorizationCode | null> {
    if (sealed.length > MAX_CODE_CHARACTERS) return null
    const packed = await this.#sealer.openValue(sealed, packedSchema)
    return packed && unpack(packed)
  }
}

import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'

/** The lifetime of a code (RFC 6749 §4.1.2 recommends at most 10 minutes). */
export const CODE_SECONDS = 60

/** The longest code. Servers and proxies limit the length of an address. */
export const MAX_CODE_CHARACTERS = 1200

/** The content of a code. The names are short, because a code is a part of an address. Times are Unix seconds. */
const codeSchema = z.object({
  /** The session that the exchange starts. */
  sid: z.string(),
  sub: z.string(),
  client: z.string(),
  api: z.string(),
  scope: z.array(z.string()),
  /** The SHA-256 of the redirect URI of the request, base64url; null if the request had none. */
  uri: z.nullable(z.string()),
  /** The `code_challenge` (RFC 7636 §4.2); null without PKCE. */
  challenge: z.nullable(z.string()),
  nonce: z.nullable(z.string()),
  iat: z.int(),
  /** When the code was issued by the clock of the server. `iat` can be later, after a revocation of the user. */
  at: z.int(),
  /** Null for a visitor. */
  auth: z.nullable(
    z.object({ time: z.int(), amr: z.array(z.string()), acr: z.string(), browser: z.string() }),
  ),
  /** The consent of the user; null for a first-party client. `given`: in this request, so the exchange stores it. */
  consent: z.nullable(z.object({ id: z.string(), uri: z.string(), given: z.boolean() })),
  /** The guest whose session the exchange merges. */
  visitor: z.nullable(z.object({ subject: z.string(), sid: z.string() })),
  /** The key to which the code is bound (RFC 9449 §10). */
  jkt: z.nullable(z.string()),
})

export type AuthorizationCode = z.output<typeof codeSchema>

/** Seals authorization codes. A code needs no row until its exchange. */
export class CodeSealer {
  readonly #sealer: TextSealer

  constructor(sealer: TextSealer) {
    this.#sealer = sealer
  }

  /** @returns the code; null if it would be longer than MAX_CODE_CHARACTERS */
  async seal(code: AuthorizationCode): Promise<string | null> {
    const sealed = await this.#sealer.seal(JSON.stringify(code))
    return sealed.length > MAX_CODE_CHARACTERS ? null : sealed
  }

  /** The content of a code that this server sealed; null for any other text. The caller checks the lifetime. */
  async open(sealed: string): Promise<AuthorizationCode | null> {
    if (sealed.length > MAX_CODE_CHARACTERS) return null
    const text = await this.#sealer.open(sealed)
    const result = text === null ? null : codeSchema.safeParse(JSON.parse(text))
    return result?.success ? result.data : null
  }
}

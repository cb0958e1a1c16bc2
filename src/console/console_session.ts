import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'
import { SealedCookie } from '../pages/sealed_cookie.ts'
import { CONSOLE_PATH } from './console_path.ts'

/** The session of an operator. The cookie contains the whole session, and the server stores nothing. */
const sessionSchema = z.object({
  accessToken: z.string(),
  refreshToken: z.string(),
  /** The expiry of the access token, in Unix seconds. */
  expiresAt: z.int(),
  csrfToken: z.string(),
  /** The nonce of the sign-in. */
  nonce: z.string(),
})

export type ConsoleSession = z.output<typeof sessionSchema>
export type SessionCookie = SealedCookie<ConsoleSession>

export function createSessionCookie(sealer: TextSealer, issuer: string): SessionCookie {
  return new SealedCookie(sealer, issuer, {
    name: 'sallyport-console',
    path: CONSOLE_PATH,
    sameSite: 'Strict',
    schema: sessionSchema,
  })
}

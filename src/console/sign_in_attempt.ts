import type { Context } from 'hono'
import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'
import { randomId } from '../lib/bytes.ts'
import { SealedCookie } from '../pages/sealed_cookie.ts'
import { CONSOLE_PATH } from './console_path.ts'

const ATTEMPT_SECONDS = 3600

/** With a longer address the `state` would be over its maximum of 2,048 characters. */
const MAX_NEXT_CHARACTERS = 1000

const PURPOSE = 'sign-in at the console'

const attemptSchema = z.object({
  purpose: z.literal(PURPOSE),
  /** The id of the browser that began the attempt. */
  browser: z.string(),
  /** The `code_verifier` (RFC 7636 §4.1). */
  verifier: z.string(),
  nonce: z.string(),
  /** The path and the query of the page to open after the sign-in. */
  next: z.string(),
  /** Whether the console began this attempt after another one had failed. */
  isRepeated: z.boolean(),
  /** Unix seconds. */
  at: z.int(),
})

/** One attempt to sign in. */
export type SignInAttempt = z.output<typeof attemptSchema>

const browserSchema = z.object({ id: z.string() })

/**
 * Seals each attempt into its own `state`, so that attempts of several tabs never replace each other. A cookie binds them to the
 * browser. The cookie is `Lax`, because a link of another site can begin an attempt.
 */
export class SignInAttempts {
  readonly #sealer: TextSealer
  readonly #cookie: SealedCookie<{ id: string }>

  constructor(sealer: TextSealer, issuer: string) {
    this.#sealer = sealer
    this.#cookie = new SealedCookie(sealer, issuer, {
      name: 'sallyport-console-attempt',
      path: CONSOLE_PATH,
      sameSite: 'Lax',
      schema: browserSchema,
    })
  }

  /** Begins an attempt in this browser. */
  async begin(
    c: Context,
    { next, isRepeated }: Pick<SignInAttempt, 'next' | 'isRepeated'>,
    now: number,
  ): Promise<{ attempt: SignInAttempt; state: string }> {
    const { id } = (await this.#cookie.read(c)) ?? { id: randomId(32) }
    await this.#cookie.write(c, { id }, ATTEMPT_SECONDS)
    const attempt: SignInAttempt = {
      purpose: PURPOSE,
      browser: id,
      verifier: randomId(32),
      nonce: randomId(16),
      next: next.length > MAX_NEXT_CHARACTERS ? CONSOLE_PATH : next,
      isRepeated,
      at: now,
    }
    return { attempt, state: await this.#sealer.sealValue(attempt) }
  }

  /** The attempt of a `state`; null for a text that this server did not seal. */
  open(state: string): Promise<SignInAttempt | null> {
    return this.#sealer.openValue(state, attemptSchema)
  }

  /** Whether this browser began the attempt, at most an hour ago. */
  async isOf(c: Context, { browser, at }: SignInAttempt, now: number): Promise<boolean> {
    const cookie = await this.#cookie.read(c)
    return cookie?.id === browser && now - at <= ATTEMPT_SECONDS
  }
}

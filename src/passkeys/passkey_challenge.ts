import * as z from 'zod/mini'
import type { Sealer } from '../lib/sealer.ts'

/** A challenge lasts as long as a form. */
const CHALLENGE_SECONDS = 1800

/** A challenge of a ceremony. The form of the page keeps it sealed. */
export interface PasskeyChallenge {
  ceremony: 'registration' | 'authentication'
  /** 256 random bits in base64url. */
  challenge: string
  pool: string
  /** The only user for whom it is; null for any user of the pool. */
  subject: string | null
  /** The id of the browser or of the session that got the challenge. */
  holder: string
  /** Unix seconds. */
  expiresAt: number
}

const challengeSchema = z.object({
  ceremony: z.enum(['registration', 'authentication']),
  challenge: z.string(),
  pool: z.string(),
  subject: z.nullable(z.string()),
  holder: z.string(),
  expiresAt: z.int(),
})

/** The purpose that a challenge must have. */
export type ExpectedChallenge = Pick<PasskeyChallenge, 'ceremony' | 'pool' | 'subject' | 'holder'>

/** Seals challenges for forms, so that a page with a passkey button writes no row. */
export class ChallengeSealer {
  readonly #sealer: Sealer

  constructor(sealer: Sealer) {
    this.#sealer = sealer
  }

  seal(purpose: ExpectedChallenge & { challenge: string }, now: number): Promise<string> {
    const value: PasskeyChallenge = { ...purpose, expiresAt: now + CHALLENGE_SECONDS }
    return this.#sealer.sealValue(value)
  }

  /** Opens the challenge of a form; null for another text, an expired challenge, and one for another purpose. */
  async open(sealed: string, expected: ExpectedChallenge, now: number): Promise<PasskeyChallenge | null> {
    const opened = await this.#sealer.openValue(sealed, challengeSchema)
    if (opened === null || opened.expiresAt <= now) return null
    const { ceremony, pool, subject, holder } = expected
    const isForUser = opened.pool === pool && opened.subject === subject
    return isForUser && opened.ceremony === ceremony && opened.holder === holder ? opened : null
  }
}

import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'
import { type AuthorizationRequest, authorizationRequestSchema } from './authorization_request.ts'

/** The places that keep a sealed request, and how long each is valid. */
const LIFETIMES = {
  /** The `request_uri` of PAR (RFC 9126 §2.2). */
  pushed: 60,
  /** A form, or the address to which a cross-site POST is redirected. */
  form: 1800,
} as const

export type SealedPlace = keyof typeof LIFETIMES

/** The seconds for which a pushed request is valid. */
export const PUSHED_SECONDS = LIFETIMES.pushed

const schema = z.object({
  place: z.enum(['pushed', 'form']),
  sealedAt: z.int(),
  request: authorizationRequestSchema,
})

/** Seals checked requests, so that the server stores nothing until the exchange of the code. */
export class RequestSealer {
  readonly #sealer: TextSealer

  constructor(sealer: TextSealer) {
    this.#sealer = sealer
  }

  /** @param now Unix seconds. */
  seal(request: AuthorizationRequest, place: SealedPlace, now: number): Promise<string> {
    return this.#sealer.seal(JSON.stringify({ place, sealedAt: now, request }))
  }

  /** Opens a request that was sealed for the place; null if it was not, or if it has expired. @param now Unix seconds. */
  async open(sealed: string, place: SealedPlace, now: number): Promise<AuthorizationRequest | null> {
    const text = await this.#sealer.open(sealed)
    if (text === null) return null
    const result = schema.safeParse(JSON.parse(text))
    if (!result.success || result.data.place !== place) return null
    return result.data.sealedAt + LIFETIMES[place] > now ? result.data.request : null
  }
}

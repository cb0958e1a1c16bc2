import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'
import { type AuthorizationRequest, authorizationRequestSchema } from './authorization_request.ts'

/** The lifetime of the `request_uri` of a pushed request (RFC 9126 §2.2). */
export const PUSHED_SECONDS = 60

/** The lifetime of the URL to which a POST from another site is redirected. */
export const FORWARDED_SECONDS = 60

/** The form of a `request_uri` that this server issues (RFC 9126 §2.2). */
const PREFIX = 'urn:ietf:params:oauth:request_uri:'

const schema = z.object({ validUntil: z.int(), request: authorizationRequestSchema })

/** Seals a checked request into a `request_uri`. The server stores nothing, so a browser can load the URL again. */
export class RequestSealer {
  readonly #sealer: TextSealer

  constructor(sealer: TextSealer) {
    this.#sealer = sealer
  }

  /** @param validUntil Unix seconds. */
  async seal(request: AuthorizationRequest, validUntil: number): Promise<string> {
    return PREFIX + (await this.#sealer.sealValue({ validUntil, request }))
  }

  /** The request of a `request_uri` and its end in Unix seconds; null if this server did not seal it. */
  open(uri: string): Promise<z.infer<typeof schema> | null> {
    return this.#sealer.openValue(uri.slice(PREFIX.length), schema)
  }
}

/** Whether a `request_uri` has the form of this server's. Any other form is not supported. */
export function isOwnRequestUri(uri: string): boolean {
  return uri.startsWith(PREFIX)
}

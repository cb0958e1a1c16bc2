import { originOf } from './origin.ts'
import type { ReplayStore } from './proof_memory.ts'

/** `allowed` accepts bearer tokens and bound tokens, `required` only bound tokens. */
export type DpopMode = 'allowed' | 'required'

/** How an API accepts tokens that are bound to a key of the client (RFC 9449). */
export interface DpopOptions {
  mode: DpopMode
  /**
   * The public URL of the API, if a proxy changes it: the URL before the path of `request.url`, such as `https://shop.example`. Or a
   * function that makes the URL that the client requested. Default: `request.url`.
   */
  publicUrl?: string | ((request: Request) => string) | undefined
  /** A secret of at least 32 characters. With it, each proof needs a nonce of the last 120 seconds. Default: no nonce. */
  nonceSecret?: string | undefined
  /** A store for all isolates. Default: each isolate remembers the proofs that it accepted. */
  replayStore?: ReplayStore | undefined
}

/** Checked options. */
export interface DpopSettings {
  mode: DpopMode
  publicUrlOf: (request: Request) => string
  nonceSecret: string | null
  replayStore: ReplayStore | null
}

const MIN_SECRET_CHARACTERS = 32

/** @returns Null if the API accepts no bound tokens. @throws TypeError that names an invalid option */
export function readDpop(dpop: DpopMode | DpopOptions | undefined): DpopSettings | null {
  if (dpop === undefined) return null
  const options = typeof dpop === 'object' && dpop !== null ? dpop : { mode: dpop }
  const { mode } = options
  if (mode !== 'allowed' && mode !== 'required')
    throw new TypeError("dpop must be 'allowed', 'required' or an object with one of them as mode")
  return {
    mode,
    publicUrlOf: readPublicUrl(options.publicUrl),
    nonceSecret: readSecret(options.nonceSecret),
    replayStore: readStore(options.replayStore),
  }
}

function readPublicUrl(publicUrl: DpopOptions['publicUrl']): DpopSettings['publicUrlOf'] {
  if (publicUrl === undefined) return (request) => request.url
  if (typeof publicUrl === 'function') return publicUrl
  if (originOf(publicUrl) === null || /[?#]|\/$/.test(publicUrl))
    throw new TypeError(
      'dpop.publicUrl must be a URL without a slash at the end, such as https://shop.example',
    )
  return (request) => publicUrl + new URL(request.url).pathname
}

function readSecret(secret: unknown): string | null {
  if (secret === undefined) return null
  if (typeof secret === 'string' && secret.length >= MIN_SECRET_CHARACTERS) return secret
  throw new TypeError(`dpop.nonceSecret must have at least ${MIN_SECRET_CHARACTERS} characters`)
}

function readStore(store: ReplayStore | undefined): ReplayStore | null {
  if (store === undefined) return null
  if (typeof store?.remember === 'function') return store
  throw new TypeError('dpop.replayStore must have the method remember')
}

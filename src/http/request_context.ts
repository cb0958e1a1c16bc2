import type { Context } from 'hono'
import { addressPrefix, countedAddress } from '../lib/address_prefix.ts'
import type { Clock } from '../lib/clock.ts'
import { describeDevice } from '../lib/device.ts'
import { findPreferredLanguage } from '../lib/language.ts'
import type { RequestContext } from '../lib/request_context.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** The languages that the client of a page asks for, the preferred one first. */
    uiLocales?: readonly string[]
    /** The client of the request, as `RequestContext.provenClient`. */
    provenClient?: string
  }
}

/** Two letters; Cloudflare also has codes such as `T1` for Tor. */
const COUNTRY = /^[A-Z][A-Z0-9]$/

/** Cloudflare gives a longitude as text, such as `-97.74260`. @returns degrees; null for another value */
function parseDegrees(text: unknown): number | null {
  const degrees = typeof text === 'string' && text !== '' ? Number(text) : Number.NaN
  return Math.abs(degrees) <= 180 ? degrees : null
}

/** Creates the context of a request: its time, the network of its caller, and the work after the response. */
export function requestContext(c: Context, clock: Clock): RequestContext {
  return {
    now: clock.now(),
    // Getters, because most requests do not need them.
    get addressPrefix() {
      return addressPrefix(c.req.header('CF-Connecting-IP'))
    },
    get address() {
      return countedAddress(c.req.header('CF-Connecting-IP'))
    },
    get provenClient() {
      return c.get('provenClient') ?? null
    },
    get device() {
      return describeDevice(c.req.header('User-Agent'))
    },
    get country() {
      const { cf } = c.req.raw as Request<unknown, IncomingRequestCfProperties>
      const country = cf?.country
      return typeof country === 'string' && COUNTRY.test(country) ? country : null
    },
    get continent() {
      const { cf } = c.req.raw as Request<unknown, IncomingRequestCfProperties>
      return cf?.continent ?? null
    },
    get longitude() {
      const { cf } = c.req.raw as Request<unknown, IncomingRequestCfProperties>
      return parseDegrees(cf?.longitude)
    },
    get asn() {
      const { cf } = c.req.raw as Request<unknown, IncomingRequestCfProperties>
      return typeof cf?.asn === 'number' ? cf.asn : null
    },
    get language() {
      return findPreferredLanguage(c.get('uiLocales') ?? [], c.req.header('Accept-Language'))
    },
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  }
}

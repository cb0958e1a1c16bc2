import type { Language } from './language.ts'
import { describeError, log } from './log.ts'

/** The facts about one request that its stores and rules need. */
export interface RequestContext {
  /** The one time of the request, in Unix seconds. */
  now: number
  /** The network of the caller, never the whole address; null if it is unknown. */
  addressPrefix: string | null
  /**
   * The address under which attempts are counted: an IPv4 address or an IPv6 /64; null if it is unknown. The server never
   * stores or logs it in clear text.
   */
  address: string | null
  /** The id of a registered client that has proven its secret or its key in this request; null for other requests. */
  provenClient: string | null
  /** The browser and the system of the caller (`describeDevice`); null where they are not known. */
  device: string | null
  /** The country of the caller: two letters by ISO 3166, or a code of Cloudflare; null where it is not known. */
  country: string | null
  /** The code of the caller's continent, from Cloudflare; null if it is unknown. */
  continent: string | null
  /** The longitude of the caller in degrees, east is positive, from Cloudflare; null if it is unknown. */
  longitude: number | null
  /** The number of the autonomous system, the network of the caller's provider, from Cloudflare; null if it is unknown. */
  asn: number | null
  /** The supported language that the caller prefers; null if the request names none. */
  language: Language | null
  /** Keeps the Worker alive for work that the caller does not wait for. */
  waitUntil(work: Promise<unknown>): void
}

/** The facts about a caller who is not known, such as the cron trigger. */
export const UNKNOWN_CALLER: Omit<RequestContext, 'now' | 'waitUntil'> = {
  addressPrefix: null,
  address: null,
  provenClient: null,
  device: null,
  country: null,
  continent: null,
  longitude: null,
  asn: null,
  language: null,
}

/** Runs work after the response is sent. A failure is only logged. */
export function runLater(context: RequestContext, name: string, work: () => Promise<unknown>): void {
  async function runLogged(): Promise<void> {
    try {
      await work()
    } catch (error) {
      log('error', 'deferred_work_failed', { work: name, cause: describeError(error) })
    }
  }
  context.waitUntil(runLogged())
}

/**
 * Runs work to its end, also if the caller closes the connection. Otherwise the runtime stops the work, so a caller could choose
 * the moment.
 */
export function runToEnd<T>(context: Pick<RequestContext, 'waitUntil'>, work: Promise<T>): Promise<T> {
  context.waitUntil(work.catch(() => {}))
  return work
}

import { describeError, log } from './log.ts'

/** The facts about one request that its stores and rules need. */
export interface RequestContext {
  /** Unix seconds, read once, so that a request has one time. */
  now: number
  /** The caller's network, never the whole address; null where it is not known. */
  addressPrefix: string | null
  /**
   * What the caller's address counts as where attempts are counted: IPv4 whole, of IPv6 the /64. Never stored or logged as
   * it is; null where it is not known.
   */
  address: string | null
  /** The caller's continent, by Cloudflare's code; null where it is not known. */
  continent: string | null
  /** Keeps the Worker alive for work that the caller does not wait for. */
  waitUntil(work: Promise<unknown>): void
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
 * Runs work to its end, also if the caller hangs up. Otherwise the runtime would stop the work, and a caller could choose when.
 */
export function runToEnd<T>(context: Pick<RequestContext, 'waitUntil'>, work: Promise<T>): Promise<T> {
  context.waitUntil(work.catch(() => {}))
  return work
}

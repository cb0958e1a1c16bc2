import type { RequestContext } from './request_context.ts'

/** Concurrent calls with the same key share one run of the work. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>()

  /**
   * Joins the running work of the key, or starts it. `waitUntil` of the first request keeps the work alive. Otherwise, if that
   * caller closes the connection, the runtime stops the I/O, and the joined requests wait forever.
   */
  run(key: string, context: RequestContext, work: () => Promise<T>): Promise<T> {
    const underway = this.#flights.get(key)
    if (underway) return underway
    const flight = work().finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    context.waitUntil(flight.catch(() => {}))
    return flight
  }
}

import type { RequestContext } from './request_context.ts'

/** Lets requests that ask for the same thing at once share one response. */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>()

  /**
   * Joins the flight under that key or starts one. The starter's `waitUntil` holds it: were its caller to hang
   * up, the runtime would end the I/O of that request, and all who joined would wait for ever.
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

import { isWithin } from './is_within.ts'

/** The time of a request, and its way to keep background work alive. */
export interface Moment {
  /** Unix seconds. */
  now: number
  waitUntil: WaitUntil | undefined
}

/** `ctx.waitUntil` of Workers. Other runtimes do not need it. */
export type WaitUntil = (work: Promise<unknown>) => void

/** Longer than two consecutive fetches can take. */
const LOST_AFTER_SECONDS = 12

/**
 * One operation at a time, shared by concurrent requests.
 *
 * On Workers the operation belongs to the request that started it. If that request ends first, the operation stops and its
 * promise never settles. So a request does not join an operation older than LOST_AFTER_SECONDS, and waits no longer than that.
 */
export class SharedFlight<T> {
  #running: { result: Promise<T>; startedAt: number } | null = null

  /** Joins the running operation, or starts one. */
  run(work: () => Promise<T>, moment: Moment): Promise<T> {
    return this.join(moment.now) ?? this.#start(work(), moment)
  }

  /** The running operation, or null. The promise rejects if the operation is lost. */
  join(now: number): Promise<T> | null {
    const running = this.#running
    return running && isWithin(LOST_AFTER_SECONDS, running.startedAt, now) ? orLost(running.result) : null
  }

  #start(result: Promise<T>, { now, waitUntil }: Moment): Promise<T> {
    const flight = { result, startedAt: now }
    this.#running = flight
    const end = () => {
      if (this.#running === flight) this.#running = null
    }
    const ended = result.then(end, end)
    waitUntil?.(ended)
    return result
  }
}

function orLost<T>(result: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abandon = () =>
      reject(new Error('the fetch was lost, because the request that started it has ended'))
    const timer = setTimeout(abandon, LOST_AFTER_SECONDS * 1000)
    result.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

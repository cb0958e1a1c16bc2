import { isWithin } from './is_within.ts'

/** When a request is judged, and how it keeps work alive that no request waits for. */
export interface Moment {
  /** Unix seconds. */
  now: number
  waitUntil: WaitUntil | undefined
}

/** `ctx.waitUntil` of Workers; other runtimes need none. */
export type WaitUntil = (work: Promise<unknown>) => void

/** Longer than two fetches may take, one after the other. */
const LOST_AFTER_SECONDS = 12

/**
 * One piece of work at a time, shared by all who ask for it meanwhile.
 *
 * On Workers it belongs to the request that began it: where that request is over, because its caller hung up or no
 * `waitUntil` held it, the work stops and its promise never settles. So nobody joins work that is overdue, and nobody
 * waits for it longer.
 */
export class SharedFlight<T> {
  #underway: { result: Promise<T>; startedAt: number } | null = null

  /** Joins the work under way, or begins it. */
  run(work: () => Promise<T>, moment: Moment): Promise<T> {
    return this.join(moment.now) ?? this.#begin(work(), moment)
  }

  /** The work under way, to be awaited: it fails where it is lost. Null where there is none. */
  join(now: number): Promise<T> | null {
    const underway = this.#underway
    return underway && isWithin(LOST_AFTER_SECONDS, underway.startedAt, now) ? orLost(underway.result) : null
  }

  #begin(result: Promise<T>, { now, waitUntil }: Moment): Promise<T> {
    const flight = { result, startedAt: now }
    this.#underway = flight
    const end = () => {
      if (this.#underway === flight) this.#underway = null
    }
    const ended = result.then(end, end)
    waitUntil?.(ended)
    return result
  }
}

function orLost<T>(result: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Error('the request that fetched it is over'))
    const timer = setTimeout(giveUp, LOST_AFTER_SECONDS * 1000)
    result.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

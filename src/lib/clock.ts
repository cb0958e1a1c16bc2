import { pause } from './pause.ts'

/** The time. Other code takes `now` as an argument. */
export interface Clock {
  /** Whole seconds since the Unix epoch. */
  now(): number
  /** Waits for some milliseconds. */
  pause(ms: number): Promise<void>
}

export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  pause,
}

import { pause } from './pause.ts'

/** The only source of the time. Other code takes `now` as an argument. */
export interface Clock {
  /** Whole seconds since the Unix epoch. */
  now(): number
  pause(ms: number): Promise<void>
}

export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  pause,
}

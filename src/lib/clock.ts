/** The time, in whole seconds since the Unix epoch. Everything that needs the time is handed a `now` read here. */
export interface Clock {
  now(): number
}

export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
}

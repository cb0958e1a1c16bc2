/** The timer of the runtime. A test may replace the global one for a client in the same isolate. */
const { setTimeout, clearTimeout } = globalThis

/** What deadlines go by. A test of deadlines lets this time pass by hand. */
export const timers = {
  start: (fire: () => void, ms: number): unknown => setTimeout(fire, ms),
  stop: (timer: unknown): void => clearTimeout(timer as number),
}

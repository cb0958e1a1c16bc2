/** The timers of the runtime. A test may replace the global timers for a client in the same isolate. */
const { setTimeout, clearTimeout } = globalThis

/** The timers of deadlines. A test can replace them. */
export const timers = {
  start: (fire: () => void, ms: number): unknown => setTimeout(fire, ms),
  stop: (timer: unknown): void => clearTimeout(timer as number),
}

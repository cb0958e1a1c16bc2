/** The runtime's own, whatever a test puts in its place for a client that runs beside the server. */
const { setTimeout, clearTimeout } = globalThis

/** What deadlines go by. A test of deadlines lets this time pass by hand. */
export const timers = {
  start: (fire: () => void, ms: number): unknown => setTimeout(fire, ms),
  stop: (timer: unknown): void => clearTimeout(timer as number),
}

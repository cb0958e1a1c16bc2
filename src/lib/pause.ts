/** The timer of the runtime. A test may replace the global timer for a client in the same isolate. */
const startTimer = setTimeout

/** Waits for `ms` milliseconds. With 0, it waits for one turn of the event loop. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => startTimer(resolve, ms))
}

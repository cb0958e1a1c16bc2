/** The timer of the runtime. A test may replace the global one for a client in the same isolate. */
const startTimer = setTimeout

/** Lets that many milliseconds pass; 0 lets the event loop turn once. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => startTimer(resolve, ms))
}

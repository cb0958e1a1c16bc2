/** The runtime's own, whatever a test puts in its place for a client that runs beside the server. */
const startTimer = setTimeout

/** Lets that many milliseconds pass; 0 lets the event loop turn once. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => startTimer(resolve, ms))
}

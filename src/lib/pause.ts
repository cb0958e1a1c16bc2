import { timers } from './timers.ts'

/** Lets that many milliseconds pass; 0 lets the event loop turn once. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => timers.start(resolve, ms))
}

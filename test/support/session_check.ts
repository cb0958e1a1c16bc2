import fc from 'fast-check'
import { onTestFinished, vi } from 'vitest'
import { fuzzRuns } from './fuzz_run.ts'
import type { Step } from './session_commands.ts'
import { beginAnew, type Cast } from './session_driver.ts'
import { SessionRun } from './session_run.ts'

/** The maximum time for simplifying a counterexample. */
const LIMIT_MS = 200_000 * fuzzRuns(1)

export const TIMEOUT_MS = LIMIT_MS + 60_000

/** Does the steps, and compares every response with the model. */
export async function follow(cast: Cast, steps: readonly Step[], scheduler?: fc.Scheduler): Promise<void> {
  await beginAnew(cast)
  const run = new SessionRun(cast, scheduler)
  for (const step of steps) await run.take(step)
  await run.checkSessions()
}

/** Checks a property, first with the examples. `FUZZ_RUNS` multiplies the number of runs. */
export async function check<T>(
  property: fc.IAsyncProperty<T>,
  numRuns: number,
  examples: T[] = [],
): Promise<void> {
  // A log line for each refusal would hide the counterexample.
  for (const level of ['info', 'error'] as const) {
    const spy = vi.spyOn(console, level).mockImplementation(() => {})
    onTestFinished(() => spy.mockRestore())
  }
  const plugins = [fc.interruptAfterTimeLimit(LIMIT_MS, { failOnInterrupt: true })]
  await fc.assert(property, { numRuns: fuzzRuns(numRuns), examples, plugins })
}

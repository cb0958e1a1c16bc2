import fc from 'fast-check'
import { beforeAll, describe, it, onTestFinished, vi } from 'vitest'
import { interleaving, type Step, sequence } from './support/session_commands.ts'
import { beginAnew, type Cast, makeCast } from './support/session_driver.ts'
import { SessionRun } from './support/session_run.ts'

const SEQUENCES = 560
const INTERLEAVINGS = 440

/** The maximum time for simplifying a counterexample. */
const LIMIT_MS = 200_000
const TIMEOUT_MS = LIMIT_MS + 60_000

const ANN = { do: 'sign in', who: 'ann', password: 'current', client: 'web' } as const
const REFRESH = { do: 'refresh', session: 0, token: 'current', by: 'owner' } as const
const REVOKE = { do: 'revoke', session: 0, token: 'access', by: 'owner' } as const
const SIGN_OUT = { do: 'sign out everywhere', who: 'ann' } as const
const CHANGE_PASSWORD = { do: 'change password', who: 'ann', keep: 'newest session' } as const
const LITTLE_OVER_AN_HOUR = { do: 'wait', seconds: 3601, sweep: true } as const

/** Cases that random sequences seldom reach: several actions within the margin of a revocation. */
const TRAPS: [Step[]][] = [
  [[SIGN_OUT, ANN, REFRESH, REFRESH]],
  [[ANN, CHANGE_PASSWORD, REFRESH, REFRESH]],
  [[ANN, SIGN_OUT, CHANGE_PASSWORD]],
  [[SIGN_OUT, ANN, REVOKE]],
  [[SIGN_OUT, ANN, REVOKE, LITTLE_OVER_AN_HOUR]],
]

let cast: Cast

beforeAll(async () => {
  cast = await makeCast()
})

async function follow(steps: readonly Step[], scheduler?: fc.Scheduler): Promise<void> {
  await beginAnew(cast)
  const run = new SessionRun(cast, scheduler)
  for (const step of steps) await run.take(step)
  await run.checkSessions()
}

async function check<T>(property: fc.IAsyncProperty<T>, numRuns: number, examples: T[] = []): Promise<void> {
  // A log line for each refusal would hide the counterexample.
  const info = vi.spyOn(console, 'info').mockImplementation(() => {})
  onTestFinished(() => info.mockRestore())
  const plugins = [fc.interruptAfterTimeLimit(LIMIT_MS, { failOnInterrupt: true })]
  await fc.assert(property, { numRuns, examples, plugins })
}

describe('sessions', () => {
  it(`sessions follow the model in ${SEQUENCES} random sequences`, { timeout: TIMEOUT_MS }, () =>
    check(
      fc.asyncProperty(sequence, (steps) => follow(steps)),
      SEQUENCES,
      TRAPS,
    ),
  )

  it(
    `parallel actions match some order of the model in ${INTERLEAVINGS} interleavings`,
    { timeout: TIMEOUT_MS },
    () => check(fc.asyncProperty(interleaving, fc.scheduler(), follow), INTERLEAVINGS),
  )
})

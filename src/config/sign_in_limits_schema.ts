import * as z from 'zod/mini'
import { across } from './across.ts'
import { count, DAY, lifetime } from './numbers.ts'

interface FailureLimitsFile {
  failures: number
  lock: number
  longest_lock: number
}

const failureLimits = (defaults: FailureLimitsFile) =>
  z._default(
    z
      .strictObject(
        {
          failures: z._default(count(3, 1_000_000), defaults.failures),
          lock: z._default(lifetime(1, 3600), defaults.lock),
          longest_lock: z._default(lifetime(1, DAY), defaults.longest_lock),
        },
        'must be a table with failures, lock and longest_lock',
      )
      .check(
        across(
          // A value that is not a number has its own message.
          ({ lock, longest_lock }) => typeof longest_lock !== 'number' || !(longest_lock < lock),
          'longest_lock',
          'must not be shorter than lock',
        ),
      ),
    defaults,
  )

export const SIGN_IN_LIMITS = {
  account: { failures: 10, lock: 60, longest_lock: 3600 },
  address: { failures: 100, lock: 60, longest_lock: 3600 },
  site: { failures: 300, lock: 60, longest_lock: 3600 },
  network: { failures: 1000, lock: 60, longest_lock: 3600 },
  client: { failures: 1000, lock: 60, longest_lock: 600 },
  memory: 3600,
}

export const signInLimits = z.strictObject(
  {
    account: failureLimits(SIGN_IN_LIMITS.account),
    address: failureLimits(SIGN_IN_LIMITS.address),
    site: failureLimits(SIGN_IN_LIMITS.site),
    network: failureLimits(SIGN_IN_LIMITS.network),
    client: failureLimits(SIGN_IN_LIMITS.client),
    memory: z._default(lifetime(60, 30 * DAY), SIGN_IN_LIMITS.memory),
  },
  'must be a table',
)

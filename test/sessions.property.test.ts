import fc from 'fast-check'
import { it } from 'vitest'
import { check, follow, TIMEOUT_MS } from './support/session_check.ts'
import { type Step, sequence } from './support/session_commands.ts'
import { makeCast } from './support/session_driver.ts'
import { SESSION_STORES } from './support/session_stores.ts'

/** The random sequences by the store of new sessions. With session objects, sessions are also in the databases. */
const SEQUENCES = { D1: 150, 'session objects': 60 } as const

const ANN = { do: 'sign in', who: 'ann', password: 'current', client: 'web' } as const
const REFRESH = { do: 'refresh', session: 0, token: 'current', by: 'owner' } as const
const REVOKE = { do: 'revoke', session: 0, token: 'access', by: 'owner' } as const
const SIGN_OUT = { do: 'sign out everywhere', who: 'ann' } as const
const CHANGE_PASSWORD = { do: 'change password', who: 'ann', keep: 'newest session' } as const
const AUTHORIZE = { do: 'authorize', who: 'ann', client: 'web', place: 'elsewhere' } as const
const EXCHANGE = { do: 'exchange', code: 0, verifier: 'right', by: 'owner', fate: 'answered' } as const
const LITTLE_OVER_AN_HOUR = { do: 'wait', seconds: 3601, sweep: true } as const

/** Cases that random sequences seldom reach: actions within the margin of a revocation, and the life of one code. */
const EXAMPLES: [Step[]][] = [
  [[SIGN_OUT, ANN, REFRESH, REFRESH]],
  [[ANN, CHANGE_PASSWORD, REFRESH, REFRESH]],
  [[ANN, SIGN_OUT, CHANGE_PASSWORD]],
  [[SIGN_OUT, ANN, REVOKE]],
  [[SIGN_OUT, ANN, REVOKE, LITTLE_OVER_AN_HOUR]],
  [[AUTHORIZE, EXCHANGE, EXCHANGE, REFRESH]],
  [[AUTHORIZE, EXCHANGE, { do: 'log out', code: 0 }, REFRESH]],
  [[{ ...AUTHORIZE, client: 'app' }, EXCHANGE, { do: 'withdraw consent', code: 0 }, REFRESH]],
  [[AUTHORIZE, { ...EXCHANGE, fate: 'lost' }, EXCHANGE]],
  [[AUTHORIZE, { ...EXCHANGE, fate: 'stopped' }, EXCHANGE, EXCHANGE, REFRESH]],
]

it.each(SESSION_STORES)(
  'sessions in $name follow the model in random sequences',
  {
    timeout: TIMEOUT_MS,
  },
  async ({ name }) => {
    const cast = await makeCast(name)
    await check(
      fc.asyncProperty(sequence, (steps) => follow(cast, steps)),
      SEQUENCES[name],
      EXAMPLES,
    )
  },
)

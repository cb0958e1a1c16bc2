import fc from 'fast-check'
import { describe, it } from 'vitest'
import { check, follow, TIMEOUT_MS } from './support/session_check.ts'
import { interleavingOf, type Step, sequenceOf } from './support/session_commands.ts'
import { makeCast } from './support/session_driver.ts'
import { SESSION_STORES } from './support/session_stores.ts'

/** The random sequences and interleavings by the store of new sessions. */
const SEQUENCES = { D1: 24, 'session objects': 12 } as const
const INTERLEAVINGS = { D1: 15, 'session objects': 8 } as const

const SIGN_IN = { do: 'sign in', who: 'ann', password: 'current', client: 'web' } as const
const REFRESH = { do: 'refresh', session: 0, token: 'current', by: 'owner' } as const
const REVOKE = { do: 'revoke', session: 0, token: 'refresh', by: 'owner' } as const
const LATE = { do: 'wait', seconds: 5 * 3600, sweep: true } as const
const LONG = { do: 'wait', seconds: 3000, sweep: false } as const
const AUTHORIZE = { do: 'authorize', who: 'ann', client: 'web', place: 'elsewhere' } as const
const EXCHANGE = { do: 'exchange', code: 0, verifier: 'right', by: 'owner', fate: 'answered' } as const

const set = (policy: 'rotate' | 'until_used' | 'fixed', windowSeconds = 60): Step => ({
  do: 'set policy',
  client: 'web',
  rules: { policy, windowSeconds },
})
const used = (token: 'predecessor' | 'older' | 'oldest'): Step => ({ ...REFRESH, token })

/** Cases that random sequences seldom reach: access tokens that a session issues long after its last rotation. */
const EXAMPLES = {
  until_used: [
    [set('until_used'), SIGN_IN, REFRESH, LATE, used('predecessor'), REVOKE],
    [set('until_used'), SIGN_IN, REFRESH, REFRESH, REFRESH, REFRESH, used('oldest'), used('older')],
    [set('until_used', 3600), SIGN_IN, REFRESH, REFRESH, LONG, REFRESH, LONG, used('oldest'), REFRESH],
    [set('until_used'), SIGN_IN, REFRESH, LATE, set('fixed'), used('predecessor'), REFRESH],
    [set('until_used'), SIGN_IN, REFRESH, LATE, set('rotate'), used('predecessor'), REFRESH],
    [set('rotate', 3600), SIGN_IN, REFRESH, LONG, used('predecessor'), LONG, REVOKE],
  ],
  fixed: [
    [set('fixed'), SIGN_IN, LATE, REFRESH, REVOKE],
    [set('fixed'), SIGN_IN, LATE, REFRESH, set('rotate'), REVOKE],
    [set('fixed'), AUTHORIZE, EXCHANGE, LATE, REFRESH, { do: 'log out', code: 0 }],
    [set('rotate'), AUTHORIZE, EXCHANGE, set('fixed'), LATE, REFRESH, { do: 'log out', code: 0 }],
    [set('rotate'), SIGN_IN, REFRESH, set('fixed'), LATE, REFRESH, REVOKE],
  ],
} as const satisfies Record<string, Step[][]>

describe.each(['until_used', 'fixed'] as const)('the refresh policy %s', (policy) => {
  it.each(SESSION_STORES)(
    'sessions in $name follow the model in random sequences, also after a change of the policy',
    {
      timeout: TIMEOUT_MS,
    },
    async ({ name }) => {
      const cast = await makeCast(name)
      const property = fc.asyncProperty(sequenceOf(policy), (steps) => follow(cast, steps))
      const examples = EXAMPLES[policy].map((steps): [Step[]] => [[...steps]])
      await check(property, SEQUENCES[name], examples)
    },
  )

  it.each(SESSION_STORES)(
    'parallel actions on sessions in $name match some order of the model',
    {
      timeout: TIMEOUT_MS,
    },
    async ({ name }) => {
      const cast = await makeCast(name)
      const property = fc.asyncProperty(interleavingOf(policy), fc.scheduler(), (...run) =>
        follow(cast, ...run),
      )
      await check(property, INTERLEAVINGS[name])
    },
  )
})

import fc from 'fast-check'
import { it } from 'vitest'
import { check, follow, TIMEOUT_MS } from './support/session_check.ts'
import { interleaving } from './support/session_commands.ts'
import { makeCast } from './support/session_driver.ts'
import { SESSION_STORES } from './support/session_stores.ts'

/** The random interleavings by the store of new sessions. */
const INTERLEAVINGS = { D1: 120, 'session objects': 45 } as const

it.each(SESSION_STORES)(
  'parallel actions on sessions in $name match some order of the model',
  {
    timeout: TIMEOUT_MS,
  },
  async ({ name }) => {
    const cast = await makeCast(name)
    const property = fc.asyncProperty(interleaving, fc.scheduler(), (...run) => follow(cast, ...run))
    await check(property, INTERLEAVINGS[name])
  },
)

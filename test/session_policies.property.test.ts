import fc from 'fast-check'
import { describe, it } from 'vitest'
import { check, follow, TIMEOUT_MS } from './support/session_check.ts'
import { interleavingOf, sequenceOf } from './support/session_commands.ts'
import { makeCast } from './support/session_driver.ts'

const SEQUENCES = 50
const INTERLEAVINGS = 25

describe.each(['until_used', 'fixed'] as const)('the refresh policy %s', (policy) => {
  it(`sessions follow the model in ${SEQUENCES} random sequences, also after a change of the policy`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const cast = await makeCast()
    await check(
      fc.asyncProperty(sequenceOf(policy), (steps) => follow(cast, steps)),
      SEQUENCES,
    )
  })

  it(`parallel actions match some order of the model in ${INTERLEAVINGS} interleavings`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const cast = await makeCast()
    const property = fc.asyncProperty(interleavingOf(policy), fc.scheduler(), (...run) =>
      follow(cast, ...run),
    )
    await check(property, INTERLEAVINGS)
  })
})

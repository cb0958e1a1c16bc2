import fc from 'fast-check'
import { it } from 'vitest'
import { check, follow, TIMEOUT_MS } from './support/session_check.ts'
import { interleaving } from './support/session_commands.ts'
import { makeCast } from './support/session_driver.ts'

const INTERLEAVINGS = 280

it(`sessions: parallel actions match some order of the model in ${INTERLEAVINGS} interleavings`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const cast = await makeCast()
  const property = fc.asyncProperty(interleaving, fc.scheduler(), (...run) => follow(cast, ...run))
  await check(property, INTERLEAVINGS)
})

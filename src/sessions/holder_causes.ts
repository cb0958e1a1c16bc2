import type { FailureCause } from '../oauth/failure_cause.ts'
import type { HolderProblem } from './holder_store.ts'

const CAUSES: ReadonlyMap<HolderProblem, FailureCause> = new Map([
  ['the user is disabled', 'disabled_user'],
  ['the user was deleted', 'unknown_user'],
  ['all sessions of the user were ended later', 'ended_session'],
  ["the client's tokens were revoked", 'ended_session'],
  ['the browser session ended', 'ended_session'],
  ['the consent was withdrawn', 'ended_session'],
])

/** The cause of a problem with the holder of a token, for the statistics. */
export function causeOf(problem: HolderProblem | null): FailureCause {
  return (problem === null ? undefined : CAUSES.get(problem)) ?? 'other'
}

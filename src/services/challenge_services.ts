import { AuthSessions } from '../challenge/auth_session.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import type { Environment } from './environment.ts'
import type { OneTimeServices } from './one_time_services.ts'

export type ChallengeServices = ReturnType<typeof createChallengeServices>

/** Creates the states of sign-ins in steps. */
export function createChallengeServices({ sealingKeys }: Environment, { oneTime }: OneTimeServices) {
  return { authSessions: new AuthSessions(new TextSealer(sealingKeys, 'sallyport auth session'), oneTime) }
}

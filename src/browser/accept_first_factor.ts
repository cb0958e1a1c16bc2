import type { Context } from 'hono'
import { advance, isPending } from '../signin/next_step.ts'
import type { Proof } from '../signin/proof.ts'
import type { VerifiedSignIn } from '../users/sign_in_guard.ts'
import { issueTimeOf, type User } from '../users/user.ts'
import { beginBrowserSession } from './begin_browser_session.ts'
import type { BrowserServices } from './browser_services.ts'
import { knownUser, type Situation } from './situation.ts'

/** A proven first factor. `signIn` is null for a factor that is no password: the guard of passwords records none. */
interface FirstFactor extends Pick<Proof, 'amr' | 'acr'> {
  kind: 'password' | 'email_code' | 'passkey'
  user: User
  signIn: VerifiedSignIn | null
}

/** Begins the browser session, or the pending sign-in of a user who needs a second factor. @throws StorageUnavailable, CorruptRecord */
export async function acceptFirstFactor(
  c: Context,
  { kind, user, signIn, amr, acr }: FirstFactor,
  situation: Situation,
  services: BrowserServices,
): Promise<Situation> {
  const { browserRequest, known } = situation
  const authTime = issueTimeOf(user, browserRequest.context.now)
  const proof = { authTime, amr, acr }
  const proven = knownUser({ user, ...proof }, services.config)
  if (!isPending(proven, known.demands))
    return beginBrowserSession(c, { kind, user, signIn, ...proof }, situation, services)
  const pending = { ...proof, user, seen: signIn?.seen ?? null }
  return { ...situation, pending, known: advance(known, { kind, user: proven }) }
}

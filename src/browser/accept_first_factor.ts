import type { Context } from 'hono'
import { knownUser } from '../signin/known_user.ts'
import { advance, isPending, nextStep } from '../signin/next_step.ts'
import type { FirstFactor, Proof } from '../signin/proof.ts'
import type { VerifiedSignIn } from '../users/sign_in_guard.ts'
import type { User } from '../users/user.ts'
import { beginBrowserSession } from './begin_browser_session.ts'
import type { BrowserServices } from './browser_services.ts'
import { sendSecondFactorCode } from './email_second_factor_forms.ts'
import type { Situation } from './situation.ts'

/** A proven first factor. `signIn` is null for a factor that is no password: the guard of passwords records none. */
interface ProvenFactor {
  kind: FirstFactor
  user: User
  proof: Proof
  signIn: VerifiedSignIn | null
}

/** Begins the browser session, or the pending sign-in of a user who needs a second factor. @throws StorageUnavailable, CorruptRecord */
export async function acceptFirstFactor(
  c: Context,
  { kind, user, proof, signIn }: ProvenFactor,
  situation: Situation,
  services: BrowserServices,
): Promise<Situation> {
  const { known } = situation
  const proven = knownUser({ user, ...proof }, services.config)
  if (!isPending(proven, known.demands))
    return beginBrowserSession(c, { kind, user, signIn, ...proof }, situation, services)
  const pending = { ...proof, user, seen: signIn?.seen ?? null }
  const next = { ...situation, pending, known: advance(known, { kind, user: proven }) }
  return showsEmailSecondFactor(next) ? sendSecondFactorCode(c, next, services) : next
}

/** Whether the next page asks for a code by mail. */
function showsEmailSecondFactor({ known }: Situation): boolean {
  const next = nextStep(known)
  return next.kind === 'show' && next.step === 'email_second_factor'
}

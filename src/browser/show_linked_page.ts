import type { Context } from 'hono'
import type { Known, Step } from '../signin/next_step.ts'
import type { BrowserServices } from './browser_services.ts'
import { openPageLink, type PageLink, typedOf } from './page_link.ts'
import { BrokenForm, resume } from './read_submission.ts'
import { takeNextStep } from './take_next_step.ts'

/**
 * Handles the URL of a page, to which a form leads, and to which the back button leads later. If the sign-in has changed since, the
 * page asks the user to check the account.
 *
 * @throws BrokenForm, UnprovenRequest, OAuthError, StorageUnavailable
 */
export async function showLinkedPage(c: Context, step: Step, services: BrowserServices): Promise<Response> {
  const link = await openPageLink(c, services)
  if (link?.ticket.step !== step) throw new BrokenForm()
  const { situation, isAccepted } = await resume(c, { ticket: link.ticket, form: null }, services)
  if (!isAccepted) return takeNextStep(c, situation, services)
  const known = knownOf(link, situation.known)
  return takeNextStep(c, { ...situation, known }, services, { typed: typedOf(link) })
}

/** The state after the form that led to the page. */
function knownOf({ ticket: { step }, problem }: PageLink, known: Known): Known {
  // The user can have asked for another account, or must sign in again.
  if (step === 'sign_in') return { ...known, user: null, problem }
  const account = step === 'select_account' ? { isChosen: false, mustCheck: true } : known.account
  return { ...known, account, problem }
}

import type { Context } from 'hono'
import { AuthorizationError } from '../authorization/authorization_error.ts'
import { respondToClient } from '../authorization/authorization_response.ts'
import { issueCode } from '../authorization/issue_code.ts'
import { withoutLoopbackPort } from '../clients/redirect_uri.ts'
import { type KnownUser, nextStep } from '../signin/next_step.ts'
import type { BrowserServices } from './browser_services.ts'
import { sendToClient } from './send_to_client.tsx'
import { showStep } from './show_step.tsx'
import type { Situation } from './situation.ts'

/** Shows the next page, or sends the browser to the client with a code or an error. */
export async function takeNextStep(
  c: Context,
  situation: Situation,
  services: BrowserServices,
): Promise<Response> {
  const next = nextStep(situation.known)
  const { request } = situation.browserRequest
  if (next.kind === 'show') return showStep(c, next.step, situation, services)
  if (next.kind === 'fail') throw new AuthorizationError(next.error, request)
  const { code } = await issueCodeFor(situation, next.user, services)
  return sendToClient(c, respondToClient({ code }, request, services.config.issuer), services)
}

async function issueCodeFor(situation: Situation, user: KnownUser, services: BrowserServices) {
  const { browserRequest, session, consentId, known, validFrom } = situation
  const { request, context } = browserRequest
  const { subject, authTime, amr, acr } = user
  const uri = withoutLoopbackPort(request.redirectUri)
  const holder = {
    subject,
    auth: { time: authTime, amr: [...amr], acr, browser: session?.id ?? '' },
    consent: consentId === null ? null : { id: consentId, uri, given: known.consent.given === true },
    validFrom,
  }
  return issueCode(holder, request, context, services)
}

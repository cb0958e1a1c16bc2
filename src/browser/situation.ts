import type { Context } from 'hono'
import { consentIdOf } from '../authorization/consent.ts'
import { kindOfRedirect, withoutLoopbackPort } from '../clients/redirect_uri.ts'
import { type BrowserSession, isDueForRenewal, isLive, isUsableBy } from '../signin/browser_session.ts'
import type { Known, KnownUser } from '../signin/next_step.ts'
import { describeUser } from '../users/sign_in.ts'
import type { User } from '../users/user.ts'
import type { BrowserRequest } from './browser_request.ts'
import type { BrowserServices } from './browser_services.ts'
import { limitsOf } from './limits.ts'

/** What is known about a request in one browser. */
export interface Situation {
  browserRequest: BrowserRequest
  known: Known
  /** The valid browser session; null if the user is not signed in. */
  session: BrowserSession | null
  user: User | null
  consentId: string | null
  /** Tokens of the user and the consent are valid from this second. Unix seconds. */
  validFrom: number
}

/** Reads the browser session, its user and the consent: one call to D1 if the browser has a session. */
export async function readSituation(
  c: Context,
  browserRequest: BrowserRequest,
  services: BrowserServices,
): Promise<Situation> {
  const { request, client, api, context } = browserRequest
  const cookie = services.cookies.session(api.userPool)
  const stored = await cookie.read(c)
  const session = stored !== null && isLive(stored, limitsOf(api), context.now) ? stored : null
  const consentId =
    session === null || client.isFirstParty ? null : await consentIdFor(session.subject, browserRequest)
  const query = session && { subject: session.subject, browserId: session.id, consentId }
  const state = query && (await services.authorizationState.find(query))
  const isValid =
    session !== null && state !== null && !state.hasEnded && isUsableBy(session, state.user, api.userPool)
  const user = isValid ? state.user : null
  if (isValid && isDueForRenewal(session, limitsOf(api), context.now))
    await cookie.write(c, { ...session, usedAt: context.now })
  const consented = isValid ? state.consentedScopes : []
  const known: Known = {
    demands: {
      prompt: request.prompt,
      maxAgeSeconds: request.maxAgeSeconds,
      receivedAt: request.receivedAt,
      subject: request.hintedSubject,
    },
    user: isValid && user !== null ? knownUser(session, user, services) : null,
    consent: {
      isFirstParty: client.isFirstParty,
      missingScopes: request.scope.filter((scope) => !consented.includes(scope)),
      mustConfirm: kindOfRedirect(request.redirectUri) !== 'web',
      given: null,
    },
    now: context.now,
  }
  const validFrom = Math.max(state?.consentValidFrom ?? 0, user?.tokensValidFrom ?? 0)
  return { browserRequest, known, session: isValid ? session : null, user, consentId, validFrom }
}

/** The consent that a user gives to the client of a request. */
export function consentIdFor(subject: string, { request }: BrowserRequest): Promise<string> {
  const redirectUri = withoutLoopbackPort(request.redirectUri)
  return consentIdOf({ subject, clientId: request.clientId, api: request.api, redirectUri })
}

export function knownUser(
  session: BrowserSession,
  user: User,
  { config, clock }: BrowserServices,
): KnownUser {
  const { passwordState } = describeUser(user, config, clock.now())
  const { subject, authTime, amr, acr } = session
  return { subject, authTime, amr, acr, mustChangePassword: passwordState.isRestricted }
}

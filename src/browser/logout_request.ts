import type { Context } from 'hono'
import * as z from 'zod/mini'
import { withParameters } from '../authorization/authorization_response.ts'
import { hasControlCharacter } from '../authorization/parse_request.ts'
import { readPageParameters } from '../http/read_parameters.ts'
import { requestContext } from '../http/request_context.ts'
import { findLanguage, LANGUAGES } from '../lib/language.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { OAuthError } from '../oauth/errors.ts'
import { verifyIdTokenHint } from '../tokens/id_token.ts'
import type { BrowserServices } from './browser_services.ts'

const MAX_STATE_CHARACTERS = 2048

/** How long a sealed request can be used. */
const REQUEST_SECONDS = 1800

export const logoutRequestSchema = z.object({
  kind: z.literal('logout'),
  /** The client of `client_id` or of the hint; null without both. */
  clientId: z.nullable(z.string()),
  /** The session that `id_token_hint` names; null without a hint. */
  sid: z.nullable(z.string()),
  /** The post-logout redirect URI; null for the page of this server. */
  uri: z.nullable(z.string()),
  state: z.nullable(z.string()),
  /** The language that the client asks for; null for that of the browser. */
  language: z._default(z.nullable(z.enum(LANGUAGES)), null),
  /** When the sealed request expires. Unix seconds. */
  validUntil: z.int(),
})

/** A checked logout request (RP-Initiated Logout §2). */
export type LogoutRequest = z.output<typeof logoutRequestSchema>

/** A logout request is refused. The browser shows a page, because the redirect URI may belong to an attacker. */
export class BrokenLogout extends Error {
  override name = 'BrokenLogout'
}

/** The parameter with a sealed request, after a POST. */
const SEALED = 'request'

/** Reads the parameters of the URL, or of the form of a POST. @throws BrokenLogout, StorageUnavailable */
export async function readLogoutRequest(c: Context, services: BrowserServices): Promise<LogoutRequest> {
  const context = requestContext(c, services.clock)
  const parameters = await readLogoutParameters(c)
  useLanguageOf(parameters, c)
  const { sealed } = parameters
  const request =
    sealed === null ? await checkHint(parameters, services, context) : await openRequest(sealed, services)
  useLanguageOf(request, c)
  await requireLogoutClient(request, services, context)
  return request
}

/** Shows the pages of this request in the language of a logout request. */
export function useLanguageOf({ language }: Pick<LogoutRequest, 'language'>, c: Context): void {
  if (language !== null) c.set('uiLocales', [language])
}

/**
 * Checks the client of a request, which the operator can change while the request is sealed.
 *
 * @throws BrokenLogout for an expired request, a disabled client, or a redirect URI that is not registered; StorageUnavailable
 */
export async function requireLogoutClient(
  { clientId, uri, validUntil }: LogoutRequest,
  { clients }: Pick<BrowserServices, 'clients'>,
  context: RequestContext,
): Promise<void> {
  if (validUntil <= context.now) throw new BrokenLogout()
  if (clientId === null && uri === null) return
  const client = clientId === null ? null : await clients.findCurrent(clientId, context)
  if (!client?.enabled) throw new BrokenLogout()
  if (uri !== null && !client.postLogoutRedirectUris.includes(uri)) throw new BrokenLogout()
}

/** Where the browser goes after the request; null for the page of this server. */
export function returnAddressOf({ uri, state }: LogoutRequest): string | null {
  return uri === null || state === null ? uri : withParameters(uri, { state })
}

/** Seals a request for a URL or a form, so that no URL has the ID token of the client. */
export function sealLogoutRequest(
  request: LogoutRequest,
  { formSealer }: Pick<BrowserServices, 'formSealer'>,
): Promise<string> {
  return formSealer.sealValue(request)
}

/** The URL of a sealed request. */
export function addressOf(path: string, sealed: string): string {
  return withParameters(path, { [SEALED]: sealed })
}

async function openRequest(text: string, { formSealer }: BrowserServices): Promise<LogoutRequest> {
  const request = await formSealer.openValue(text, logoutRequestSchema)
  if (request === null) throw new BrokenLogout()
  return request
}

type LogoutParameters = Awaited<ReturnType<typeof readLogoutParameters>>

/** @throws BrokenLogout for parameters that cannot be read */
async function readLogoutParameters(c: Context) {
  try {
    const parameters = await readPageParameters(c.req.raw)
    return {
      hint: parameters.find('id_token_hint'),
      clientId: parameters.find('client_id'),
      uri: parameters.find('post_logout_redirect_uri'),
      state: parameters.find('state'),
      language: findLanguage(parameters.find('ui_locales')?.split(' ') ?? []),
      sealed: parameters.find(SEALED),
    }
  } catch (error) {
    if (error instanceof OAuthError) throw new BrokenLogout()
    throw error
  }
}

/** @throws BrokenLogout for a wrong hint or a malformed state; StorageUnavailable */
async function checkHint(
  { hint: text, clientId: named, uri, state, language }: LogoutParameters,
  { keys, config }: BrowserServices,
  context: RequestContext,
): Promise<LogoutRequest> {
  const query = text === null ? null : { hint: text, clientId: named }
  const hint = query && (await verifyIdTokenHint(query, { keys, issuer: config.issuer }, context))
  if (query !== null && hint === null) throw new BrokenLogout()
  if (state !== null && (state.length > MAX_STATE_CHARACTERS || hasControlCharacter(state)))
    throw new BrokenLogout()
  const clientId = named ?? hint?.clientId ?? null
  const validUntil = context.now + REQUEST_SECONDS
  return { kind: 'logout', clientId, sid: hint?.sid ?? null, uri, state, language, validUntil }
}

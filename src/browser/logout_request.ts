import type { Context } from 'hono'
import * as z from 'zod/mini'
import { withParameters } from '../authorization/authorization_response.ts'
import type { StoredClient } from '../clients/client.ts'
import { readParameters } from '../http/read_parameters.ts'
import { requestContext } from '../http/request_context.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { OAuthError } from '../oauth/errors.ts'
import { type Parameters, parseFormParameters } from '../oauth/parameters.ts'
import { verifyIdTokenHint } from '../tokens/id_token.ts'
import type { BrowserServices } from './browser_services.ts'

const MAX_STATE_CHARACTERS = 2048

const logoutRequestSchema = z.object({
  kind: z.literal('logout'),
  /** The client that asks; null if the request names none. */
  clientId: z.nullable(z.string()),
  /** The session that `id_token_hint` names; null without a hint. */
  sid: z.nullable(z.string()),
  /** Where the browser goes afterwards, with `state`; null for the page of this server. */
  returnTo: z.nullable(z.string()),
})

/** A checked logout request (RP-Initiated Logout §2). */
export type LogoutRequest = z.output<typeof logoutRequestSchema>

/** A logout request is refused. The browser shows a page, because the address may belong to an attacker. */
export class BrokenLogout extends Error {
  override name = 'BrokenLogout'
}

/** The parameter with a sealed request, after a POST. */
const SEALED = 'request'

/** Reads the parameters of the address, or of the form of a POST. @throws BrokenLogout, StorageUnavailable */
export async function readLogoutRequest(c: Context, services: BrowserServices): Promise<LogoutRequest> {
  const context = requestContext(c, services.clock)
  const parameters = await readAnyParameters(c)
  c.set('uiLocales', parameters.find('ui_locales')?.split(' ') ?? [])
  const sealed = parameters.find(SEALED)
  return sealed === null ? checkRequest(parameters, services, context) : openLogoutRequest(sealed, services)
}

/** Seals a request for an address or a form, so that the ID token of the client is in no address. */
export function sealLogoutRequest(
  request: LogoutRequest,
  { formSealer }: Pick<BrowserServices, 'formSealer'>,
): Promise<string> {
  return formSealer.seal(JSON.stringify(request))
}

/** The address of a sealed request. */
export function addressOf(path: string, sealed: string): string {
  return withParameters(path, { [SEALED]: sealed })
}

async function openLogoutRequest(text: string, { formSealer }: BrowserServices): Promise<LogoutRequest> {
  const opened = await formSealer.open(text)
  const result = opened === null ? null : logoutRequestSchema.safeParse(JSON.parse(opened))
  if (!result?.success) throw new BrokenLogout()
  return result.data
}

async function readAnyParameters(c: Context): Promise<Parameters> {
  try {
    if (c.req.method === 'POST') return await readParameters(c.req.raw)
    return parseFormParameters(new URL(c.req.url).search.slice(1))
  } catch (error) {
    if (error instanceof OAuthError) throw new BrokenLogout()
    throw error
  }
}

async function checkRequest(
  parameters: Parameters,
  services: BrowserServices,
  context: RequestContext,
): Promise<LogoutRequest> {
  const { keys, config } = services
  const text = parameters.find('id_token_hint')
  const named = parameters.find('client_id')
  const hint =
    text === null
      ? null
      : await verifyIdTokenHint({ hint: text, clientId: named }, { keys, issuer: config.issuer }, context)
  if (text !== null && hint === null) throw new BrokenLogout()
  const clientId = named ?? hint?.clientId ?? null
  const client = clientId === null ? null : await services.clients.findCurrent(clientId, context)
  if (clientId !== null && client === null) throw new BrokenLogout()
  return { kind: 'logout', clientId, sid: hint?.sid ?? null, returnTo: returnAddressOf(parameters, client) }
}

/** The registered address with the state; null without one. @throws BrokenLogout for an address that is not registered */
function returnAddressOf(parameters: Parameters, client: StoredClient | null): string | null {
  const uri = parameters.find('post_logout_redirect_uri')
  const state = parameters.find('state')
  if (uri === null) return null
  const isTooLong = state !== null && state.length > MAX_STATE_CHARACTERS
  if (isTooLong || !client?.postLogoutRedirectUris.includes(uri)) throw new BrokenLogout()
  return state === null ? uri : withParameters(uri, { state })
}

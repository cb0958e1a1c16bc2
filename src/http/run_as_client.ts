import type { Context } from 'hono'
import { isFromClient } from '../audit/is_from_client.ts'
import { authenticateClient, type ProvenClient } from '../clients/authenticate_client.ts'
import type { Client, StoredClient } from '../clients/client.ts'
import type { ClientRequest } from '../clients/client_request.ts'
import { errorDialectOf } from '../clients/error_dialect_of.ts'
import { COOLDOWN_SECONDS, DocumentUnavailable } from '../clients/metadata/metadata_documents.ts'
import { ClientChanged } from '../clients/require_current_client.ts'
import type { ApiConfig, Config } from '../config/config.ts'
import { log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { parseClientCredentials } from '../oauth/client_authentication.ts'
import { isDocumentUrl } from '../oauth/document_client_id.ts'
import { invalidClient, OAuthError, temporarilyUnavailable } from '../oauth/errors.ts'
import type { Parameters } from '../oauth/parameters.ts'
import type { Services } from '../services/services.ts'
import { allowClientOrigin } from './cors.ts'
import { readProofKey } from './proof_key.ts'
import { readParameters } from './read_parameters.ts'
import { requestContext } from './request_context.ts'

/**
 * Reads a request and authenticates its client.
 *
 * @throws OAuthError invalid_request, invalid_client, invalid_dpop_proof, use_dpop_nonce
 */
async function readClientRequest(c: Context, services: Services, options: Options): Promise<ClientRequest> {
  // Reads the copies that the request needs later, in parallel with the client.
  const begun = requestContext(c, services.clock)
  services.changes.refresh(begun)
  services.keys.prepare(begun)
  const parameters = await readParameters(c.req.raw)
  parameters.require(options.required)
  // The time of a request is the time when its body ends, because a caller may send the body slowly.
  const context = requestContext(c, services.clock)
  const received = { parameters, context, proofKey: null }
  const request = await authenticateRequest(c, received, services, options)
  const demands = { accessToken: null, needsNonce: request.client.bindsTokens, now: context.now }
  return { ...request, proofKey: await readProofKey(c, demands, services) }
}

interface Options {
  /** A parameter that is checked before the client is authenticated. */
  required: string
  /** Whether the request fetches the document of a client whose id is a URL. Other requests use the last document. */
  fetchesDocument?: boolean
  /**
   * Whether the keys of the last known document are enough. The request must present a token of the client, because the client may have
   * removed the key from its document.
   */
  acceptsOldKeys?: (parameters: Parameters) => boolean
}

/**
 * Reads a request, authenticates its client and runs `run`. If the copy of the client was outdated, the client is
 * authenticated again with D1, and `run` runs once more.
 */
export async function runAsClient<T>(
  c: Context,
  services: Services,
  { run, ...options }: Options & { run: (request: ClientRequest) => Promise<T> },
): Promise<T> {
  const request = await readClientRequest(c, services, options)
  try {
    return await run(request)
  } catch (error) {
    if (!(error instanceof ClientChanged)) throw error
    log('info', 'client_read_again', { client_id: request.client.id })
    return run(await authenticateRequest(c, request, services, options))
  }
}

/** Authenticates the client by the parameters and headers. @throws OAuthError invalid_request, invalid_client */
async function authenticateRequest(
  c: Context,
  received: Pick<ClientRequest, 'parameters' | 'context' | 'proofKey'>,
  services: Services,
  { fetchesDocument = false, acceptsOldKeys = () => false }: Options,
): Promise<ClientRequest> {
  const { parameters, context, proofKey } = received
  const credentials = parseClientCredentials(c.req.header('Authorization'), parameters, {
    bodyWins: services.config.errorDialect === 'oro',
  })
  if (isDocumentUrl(credentials.id)) {
    c.set('errorDialect', 'rfc6749')
    if (fetchesDocument) await fetchDocument(credentials.id, services, context)
  }
  const proven = await authenticateClient(credentials, services, context).catch(async (error) => {
    useErrorsOf(c, await findNamed(credentials.id, error, services, context), services.config)
    return countGuess(error, services, context)
  })
  useErrorsOf(c, proven.client, services.config)
  if (!acceptsOldKeys(parameters)) requireNewKeys(proven)
  const api = requireApi(proven.client, services.config)
  allowClientOrigin(c, proven.client)
  if (isFromClient(proven.client)) c.set('provenClient', proven.client.id)
  services.clientUse.note(proven, context)
  return { ...proven, proofKey, api, parameters, context }
}

/** @throws OAuthError invalid_client for a URL that config.yml does not trust; temporarily_unavailable if the fetch fails */
async function fetchDocument(url: string, { documents }: Services, context: RequestContext): Promise<void> {
  try {
    await documents.prepare(url, context)
  } catch (error) {
    if (!(error instanceof DocumentUnavailable)) throw error
    if (error.isFinal) throw invalidClient(error.message)
    throw temporarilyUnavailable(`the document of the client: ${error.message}`, COOLDOWN_SECONDS)
  }
}

/** @throws OAuthError temporarily_unavailable if an old key signed the assertion */
function requireNewKeys({ client, proof }: ProvenClient): void {
  if (client.hasOldKeys && proof.method === 'private_key_jwt')
    throw temporarilyUnavailable('the document of the client is too old')
}

/** Writes the errors of the request in the format of its client. A refused client gets it too: a client id is no secret. */
function useErrorsOf(c: Context, client: StoredClient | null, config: Config): void {
  if (client !== null) c.set('errorDialect', errorDialectOf(client, config))
}

/** The client that a refused request names; null if it is unknown. The refusal has just read it, so this read is from memory. */
async function findNamed(
  id: string,
  error: unknown,
  { clients }: Services,
  context: RequestContext,
): Promise<StoredClient | null> {
  return error instanceof OAuthError ? clients.find(id, context).catch(() => null) : null
}

/** Counts a wrong secret or assertion as a guess. The budget never refuses a correct one. @throws the error, or temporarily_unavailable */
async function countGuess(error: unknown, { bursts }: Services, context: RequestContext): Promise<never> {
  if (error instanceof OAuthError && error.refusal.kind === 'invalid_client')
    await bursts.spend('guesses', 'client secrets', context)
  throw error
}

function requireApi(client: Client, config: Config): ApiConfig {
  const api = config.apis.get(client.api)
  if (!api) throw invalidClient(`${client.id} belongs to "${client.api}", which config.yml does not have`)
  return api
}

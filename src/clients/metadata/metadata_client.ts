import type { Config } from '../../config/config.ts'
import { type StoredClient, toStoredClient } from '../client.ts'
import { type ClientValues, fromDraft } from '../client_values.ts'
import { assertionAudienceOf } from './document_url.ts'
import type { MetadataDocument } from './metadata_document.ts'

/** The values of a client whose id is the URL of a document. The client has every API with agents. */
export function valuesOfDocument(
  url: string,
  document: MetadataDocument,
  config: Pick<Config, 'apis' | 'agents'>,
): ClientValues {
  const { apis, agents } = config
  const { defaultApiName, ucp } = agents
  const open = [...apis.values()].filter(({ agents }) => agents)
  return fromDraft({
    client_id: url,
    name: document.name,
    api: defaultApiName ?? '',
    additional_apis: open.map(({ name }) => name).filter((name) => name !== defaultApiName),
    grants: document.hasRefreshTokens ? ['authorization_code', 'refresh_token'] : ['authorization_code'],
    scopes: [...new Set(open.flatMap(({ scopes }) => scopes))],
    confidential: !document.isPublic,
    jwks: document.jwks,
    jwks_uri: document.jwksUri,
    assertion_audience: assertionAudienceOf(url, config),
    errors: 'rfc6749',
    redirect_uris: document.redirectUris,
    first_party: false,
    require_pkce: true,
    dpop_bound_access_tokens: document.bindsTokens,
    // UCP platforms ask only for the missing scope.
    incremental_scopes: ucp,
    id_token_signed_response_alg: document.idTokenAlgorithm,
    // An image from outside would show the address of the user to its host.
    logo_uri: null,
    client_uri: document.clientUri,
    policy_uri: document.policyUri,
    tos_uri: document.tosUri,
  })
}

/** The decisions of operators about a client, from its row. Before the first exchange the client has no row. */
type StoredState = Pick<StoredClient, 'enabled' | 'createdAt' | 'accessValidFrom' | 'tokensValidFrom'>

const NO_ROW: StoredState = { enabled: true, createdAt: 0, accessValidFrom: 0, tokensValidFrom: 0 }

/**
 * The client of a document.
 *
 * @param stored The client as its row has it; null without a row.
 * @param asOf The number of the latest change that `stored` includes.
 */
export function clientOfDocument(
  values: ClientValues,
  { stored, asOf }: { stored: StoredClient | null; asOf: number },
): StoredClient {
  const { enabled, createdAt, accessValidFrom, tokensValidFrom } = stored ?? NO_ROW
  const state = { enabled, createdAt, accessValidFrom, tokensValidFrom, asOf }
  return toStoredClient({ ...values, ...state, secrets: [] })
}

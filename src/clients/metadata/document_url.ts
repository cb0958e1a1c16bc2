import { ANY_HOST } from '../../config/any_host.ts'
import type { Config } from '../../config/config.ts'
import { isLoopback } from '../../config/origin.ts'
import { findOutboundUrlProblem } from '../../lib/outbound_url.ts'
import type { AssertionAudience } from '../../oauth/client_authentication.ts'
import { isDocumentUrl } from '../../oauth/document_client_id.ts'

/**
 * Finds the problem of a URL of a document; null for a URL that the server can fetch. `url`: the form of the URL is wrong (OAuth Client
 * ID Metadata Document §3), or it does not lead to the public Internet. `host`: config.yml does not trust the host.
 */
export function findDocumentUrlProblem(
  clientId: string,
  { issuer, agents: { trustedHosts } }: Pick<Config, 'issuer' | 'agents'>,
): 'url' | 'host' | null {
  if (!isDocumentUrl(clientId)) return 'url'
  if (findOutboundUrlProblem(clientId, { allowsLoopback: isLoopback(issuer) }) !== null) return 'url'
  const { host, pathname } = new URL(clientId)
  if (pathname === '/') return 'url'
  return trustedHosts === ANY_HOST || trustedHosts.some((trusted) => trusted.host === host) ? null : 'host'
}

/** The `aud` of the assertions of a client, as config.yml has it for the host of its document. */
export function assertionAudienceOf(
  clientId: string,
  { agents: { trustedHosts } }: Pick<Config, 'agents'>,
): AssertionAudience {
  if (trustedHosts === ANY_HOST) return 'issuer'
  const { host } = new URL(clientId)
  return trustedHosts.find((trusted) => trusted.host === host)?.assertionAudience ?? 'issuer'
}

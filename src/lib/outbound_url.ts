import { isLoopback } from '@sallyport/formats/secure_url'
import { findUriProblem } from './exact_uri.ts'

/**
 * Names that are not on the public Internet: the special-use names (RFC 6761 and its registry), and the names of local networks
 * (RFC 6762 appendix G).
 */
const LOCAL_NAMES =
  'alt|arpa|corp|home|internal|intranet|invalid|lan|local|localdomain|localhost|onion|private|test'

/** A host name of the public Internet: at least two labels, and no digit at the beginning of the last one, as an address has. */
const PUBLIC_HOST = new RegExp(`^(?:[a-z0-9_-]+\\.)+(?!(?:${LOCAL_NAMES})$)[a-z][a-z0-9-]*$`)

/** Whether a text is the name of a host on the public Internet, in lower case: no IP address, no special-use name, no port. */
export function isPublicHost(text: string): boolean {
  return PUBLIC_HOST.test(text)
}

/**
 * Finds the problem of a URL that a stranger can choose and that the server requests; null for a URL that the server can request. A
 * URL of a local network or of an IP address can reach a service that is not public (SSRF).
 *
 * @param options.allowsLoopback Whether the server itself runs on a loopback address. Then it can also request http and https URLs of
 *   loopback hosts, with any port.
 */
export function findOutboundUrlProblem(
  text: string,
  { allowsLoopback }: { allowsLoopback: boolean },
): string | null {
  const problem = findUriProblem(text)
  if (problem !== null) return problem
  if (text.includes('#')) return 'must not have a fragment'
  const { protocol, hostname, port } = new URL(text)
  if (allowsLoopback && isLoopback(text) && /^https?:$/.test(protocol)) return null
  if (protocol !== 'https:') return 'must be https'
  if (!isPublicHost(hostname)) return 'must have a public host name, and no IP address'
  return port === '' ? null : 'must have the default port of https'
}

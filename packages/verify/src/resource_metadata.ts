import type { DpopMode } from './dpop_options.ts'
import { DPOP_ALGORITHMS } from './dpop_proof.ts'
import { originOf } from './origin.ts'
import { readScope } from './scope.ts'

/** The path of the document, before the path of the API (RFC 9728 §3). */
const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/** How long a client may keep the document. */
const MAX_AGE_SECONDS = 3600

/** What the document of the API says (RFC 9728 §2). The issuer and the audience of the verifier are always in it. */
export interface ResourceMetadataOptions {
  /** All scope tokens of the API: `scopes_supported`. */
  scopes?: readonly string[] | undefined
  /** The name of the API for users: `resource_name`. */
  name?: string | undefined
  /** The URL of a page for developers: `resource_documentation`. */
  documentation?: string | undefined
  /** The URL of the document. Default: the well-known URL of the audience (RFC 9728 §3.1). */
  url?: string | undefined
}

/** A document and its place. */
export interface ResourceMetadata {
  url: string
  document: Readonly<Record<string, unknown>>
}

interface ProtectedResource {
  issuer: string
  /** The audience of the API. */
  audience: string
  /** Null for an API that accepts no bound tokens. */
  dpop: DpopMode | null
}

/** @throws TypeError if the audience is not a URL, or an option is invalid */
export function readResourceMetadata(
  { scopes, name, documentation, url }: ResourceMetadataOptions,
  { issuer, audience, dpop }: ProtectedResource,
): ResourceMetadata {
  const texts = { name, documentation, url }
  for (const [option, value] of Object.entries(texts)) {
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw new TypeError(`resourceMetadata.${option} must be text that is not empty`)
  }
  return {
    url: url === undefined ? wellKnownUrl(audience) : requireUrl('resourceMetadata.url', url),
    document: {
      // A client compares this value with the URL of the API (RFC 9728 §3.3).
      resource: requireUrl('audience', audience),
      authorization_servers: [issuer],
      ...(scopes !== undefined && { scopes_supported: readScope('resourceMetadata.scopes', scopes) }),
      bearer_methods_supported: ['header'],
      ...(dpop !== null && { dpop_signing_alg_values_supported: DPOP_ALGORITHMS }),
      ...(dpop === 'required' && { dpop_bound_access_tokens_required: true }),
      ...(name && { resource_name: name }),
      ...(documentation && { resource_documentation: documentation }),
    },
  }
}

/**
 * Serves the document at its URL and at the well-known path without the path of the API, where clients look that have no
 * challenge.
 *
 * @returns Null if the request is for another path
 */
export function serveResourceMetadata(
  request: Request,
  { url, document }: ResourceMetadata,
): Response | null {
  const { pathname } = new URL(request.url)
  if (pathname !== WELL_KNOWN && pathname !== new URL(url).pathname) return null
  const respond = METHODS[request.method]
  return respond ? respond(document) : new Response(null, { status: 405, headers: { Allow: ALLOWED } })
}

/** The document is public, so each page may read it. Clients in a page add headers such as `MCP-Protocol-Version`. */
const ANY_ORIGIN = { 'Access-Control-Allow-Origin': '*' }

type Respond = (document: ResourceMetadata['document']) => Response

const serve: Respond = (document) => {
  const headers = { ...ANY_ORIGIN, 'Cache-Control': `public, max-age=${MAX_AGE_SECONDS}` }
  return Response.json(document, { headers })
}

const METHODS: Readonly<Record<string, Respond>> = {
  GET: serve,
  HEAD: (document) => new Response(null, serve(document)),
  OPTIONS() {
    const headers = {
      ...ANY_ORIGIN,
      'Access-Control-Allow-Methods': 'GET, HEAD',
      'Access-Control-Allow-Headers': '*',
      'Access-Control-Max-Age': '86400',
    }
    return new Response(null, { status: 204, headers })
  },
}

const ALLOWED = Object.keys(METHODS).join(', ')

/** Puts the well-known path between the host and the path of a resource (RFC 9728 §3.1). */
function wellKnownUrl(resource: string): string {
  const { origin, pathname, search } = new URL(requireUrl('audience', resource))
  return `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}${search}`
}

/** A resource is a URL without a fragment (RFC 9728 §1.2). The URL is also a value of the challenge, in quotes. */
function requireUrl(name: string, url: string): string {
  if (originOf(url) !== null && !/[#"\\\s]/.test(url)) return url
  throw new TypeError(`${name} must be a URL without a fragment, such as https://shop.example.com/api`)
}

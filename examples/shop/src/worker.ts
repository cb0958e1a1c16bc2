import { describeBusiness } from './business_profile.ts'
import { addSharedHead } from './shared_head.ts'

export interface Env {
  ASSETS: Fetcher
  ISSUER: string
  STOREFRONT_API: string
  BACKOFFICE_API: string
  CLIENT_SECRET: string
}

export default {
  async fetch(request, env) {
    const response = await respond(request, env)
    const headers = new Headers(response.headers)
    const url = new URL(request.url)
    const own = { ...securityHeaders(env, addressAt(SHOP_HOST, url)), ...(isProfile(url) && PUBLIC) }
    for (const [name, value] of Object.entries(own)) headers.set(name, value)
    return new Response(response.body, { status: response.status, headers })
  },
} satisfies ExportedHandler<Env>

/** The host of the partner app. Another host is another site, so the two applications share no storage and no cookies. */
const PARTNER_HOST = '127.0.0.1'
const SHOP_HOST = 'localhost'

async function respond(request: Request, env: Env): Promise<Response> {
  const url = new URL(request.url)
  if (request.method === 'POST' && TOKEN_PATHS.includes(url.pathname)) return forward(request, url, env)
  if (url.pathname === '/services.json') return describeServices(url, env)
  if (isProfile(url)) return Response.json(describeBusiness(`${env.STOREFRONT_API}/ucp`))
  const isPartner = url.hostname === PARTNER_HOST && url.pathname === '/'
  return addSharedHead(
    await env.ASSETS.fetch(isPartner ? new Request(new URL('/partner/', url), request) : request),
  )
}

function isProfile({ pathname }: URL): boolean {
  return pathname === '/.well-known/ucp'
}

/** Platforms of any origin read the profile, and keep it for a minute. */
const PUBLIC = { 'Access-Control-Allow-Origin': '*', 'Cache-Control': 'public, max-age=60' }

/** The paths of the token service that the page of the shop calls through this server. */
const TOKEN_PATHS = ['/oauth2-token', '/oauth2-token/challenge', '/oauth2-token/par', '/oauth2-token/revoke']

/** The grants of the page. */
const GRANTS = ['password', 'authorization_code', 'refresh_token']

/** Sends a token request of the page with the secret of the client, which a page cannot keep. */
async function forward(request: Request, url: URL, { ISSUER, CLIENT_SECRET }: Env): Promise<Response> {
  const form = new URLSearchParams(await request.text())
  const grant = form.get('grant_type')
  const isOwn = request.headers.get('Origin') === url.origin && url.hostname === SHOP_HOST
  if (!isOwn || (grant !== null && !GRANTS.includes(grant)))
    return Response.json({ error: 'invalid_request' }, { status: 400 })
  form.set('client_id', 'shop-demo')
  form.set('client_secret', CLIENT_SECRET)
  // The account page names the browser of a session by this header.
  const headers = { 'User-Agent': request.headers.get('User-Agent') ?? '' }
  try {
    return await fetch(ISSUER + url.pathname, { method: 'POST', headers, body: form })
  } catch {
    return Response.json({ error: 'temporarily_unavailable' }, { status: 503 })
  }
}

/** The URLs of the services, so that the same files serve every environment. */
function describeServices(url: URL, { ISSUER, STOREFRONT_API, BACKOFFICE_API }: Env): Response {
  return Response.json({
    issuer: ISSUER,
    storefrontApi: STOREFRONT_API,
    backofficeApi: BACKOFFICE_API,
    shop: `${addressAt(SHOP_HOST, url)}/`,
    partnerApp: `${addressAt(PARTNER_HOST, url)}/`,
  })
}

function addressAt(host: string, { protocol, port }: URL): string {
  return `${protocol}//${host}:${port}`
}

/**
 * Scripts of the page can read the tokens. So the policy allows only its own scripts, and connections only to the services. The page of
 * the platform also reads the profile of the shop.
 */
function securityHeaders(
  { ISSUER, STOREFRONT_API, BACKOFFICE_API }: Env,
  shop: string,
): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${shop} ${ISSUER} ${STOREFRONT_API} ${BACKOFFICE_API}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'Content-Security-Policy': policy.join('; '),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-cache',
  }
}

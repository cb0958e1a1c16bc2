export interface Env {
  ASSETS: Fetcher
  ISSUER: string
  STOREFRONT_API: string
  BACKOFFICE_API: string
}

export default {
  async fetch(request, env) {
    const response = await respond(request, env)
    const headers = new Headers(response.headers)
    for (const [name, value] of Object.entries(securityHeaders(env))) headers.set(name, value)
    return new Response(response.body, { status: response.status, headers })
  },
} satisfies ExportedHandler<Env>

/** The host of the partner app. Another host is another site, so the two applications share no storage and no cookies. */
const PARTNER_HOST = '127.0.0.1'
const SHOP_HOST = 'localhost'

async function respond(request: Request, env: Env): Promise<Response> {
  const url = new URL(request.url)
  if (url.pathname === '/services.json') return describeServices(url, env)
  const isPartner = url.hostname === PARTNER_HOST && url.pathname === '/'
  return env.ASSETS.fetch(isPartner ? new Request(new URL('/partner/', url), request) : request)
}

/** The URLs of the services, so that the same files serve every environment. */
function describeServices(url: URL, { ISSUER, STOREFRONT_API, BACKOFFICE_API }: Env): Response {
  const at = (host: string) => `${url.protocol}//${host}:${url.port}/`
  return Response.json({
    issuer: ISSUER,
    storefrontApi: STOREFRONT_API,
    backofficeApi: BACKOFFICE_API,
    shop: at(SHOP_HOST),
    partnerApp: at(PARTNER_HOST),
  })
}

/** Scripts of the page can read the tokens. So the policy allows only its own scripts, and connections only to the services. */
function securityHeaders({ ISSUER, STOREFRONT_API, BACKOFFICE_API }: Env): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${ISSUER} ${STOREFRONT_API} ${BACKOFFICE_API}`,
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

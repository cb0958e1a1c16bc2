export interface Env {
  ASSETS: Fetcher
  ISSUER: string
  STOREFRONT_API: string
  BACKOFFICE_API: string
}

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    const response = pathname === '/services.json' ? describeServices(env) : await env.ASSETS.fetch(request)
    const headers = new Headers(response.headers)
    for (const [name, value] of Object.entries(securityHeaders(env))) headers.set(name, value)
    return new Response(response.body, { status: response.status, headers })
  },
} satisfies ExportedHandler<Env>

/** The addresses of the services, so that the same files serve every environment. */
function describeServices({ ISSUER, STOREFRONT_API, BACKOFFICE_API }: Env): Response {
  return Response.json({ issuer: ISSUER, storefrontApi: STOREFRONT_API, backofficeApi: BACKOFFICE_API })
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

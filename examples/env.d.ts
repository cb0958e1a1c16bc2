/** The bindings of the APIs: their wrangler.toml has them. */
declare namespace Cloudflare {
  interface Env {
    DB: D1Database
    /** The token service. */
    ISSUER: string
    /** This API, as the token service's config.yml names it. */
    AUDIENCE: string
    /** The URL of the storefront API, without a path. */
    ORIGIN: string
    /** The client with which the storefront API introspects tokens. */
    CLIENT_ID: string
    CLIENT_SECRET: string
    /** The UCP operations of the storefront API, as config.yml names them, and the client with which they introspect tokens. */
    UCP_AUDIENCE: string
    UCP_CLIENT_ID: string
    UCP_CLIENT_SECRET: string
    /** The page that may call this API. */
    SHOP_ORIGIN: string
    /** The third-party page that may call the storefront API. */
    PARTNER_ORIGIN: string
  }
}

const VERSION = '2026-04-08'
const SPECIFICATIONS = `https://ucp.dev/${VERSION}`

/** The scopes of the UCP operations in the storefront API. */
const SCOPES = ['dev.ucp.shopping.order:read', 'dev.ucp.shopping.cart:manage']

/**
 * The profile of the shop for platforms of the Universal Commerce Protocol. Platforms read it at `/.well-known/ucp` of the shop.
 *
 * @param endpoint The URL of the UCP operations.
 */
export function describeBusiness(endpoint: string): object {
  const service = {
    version: VERSION,
    spec: `${SPECIFICATIONS}/specification/overview`,
    transport: 'rest',
    schema: `${SPECIFICATIONS}/services/shopping/rest.openapi.json`,
    endpoint,
  }
  const identityLinking = {
    version: VERSION,
    spec: `${SPECIFICATIONS}/specification/identity-linking`,
    schema: `${SPECIFICATIONS}/schemas/common/identity_linking.json`,
    config: { scopes: Object.fromEntries(SCOPES.map((scope) => [scope, {}])) },
  }
  return {
    ucp: {
      version: VERSION,
      services: { 'dev.ucp.shopping': [service] },
      capabilities: { 'dev.ucp.common.identity_linking': [identityLinking] },
      payment_handlers: {},
    },
  }
}

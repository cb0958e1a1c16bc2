/** A response that a platform must not use. */
export class PlatformError extends Error {}

/**
 * Sends a request.
 *
 * @throws PlatformError if the server does not respond
 */
export async function send(url, options) {
  try {
    return await fetch(url, options)
  } catch {
    throw new PlatformError('A server does not respond.')
  }
}

/** The version of UCP that this platform supports. */
const VERSION = '2026-04-08'

/**
 * Reads the profile of a business (UCP, `/.well-known/ucp`).
 *
 * @param {string} shop The URL of the business
 * @returns The URL of its operations, and the scopes that a user can allow
 * @throws PlatformError if the profile has another version, another namespace, no operations or no identity linking
 */
export async function readProfile(shop) {
  const { ucp } = await readJson(await send(new URL('/.well-known/ucp', shop)))
  require(ucp.version === VERSION, `The shop has the UCP version ${ucp.version}.`)
  const service = ucp.services['dev.ucp.shopping']?.find(({ transport }) => transport === 'rest')
  const linking = ucp.capabilities['dev.ucp.common.identity_linking']?.find(
    ({ version }) => version === VERSION,
  )
  require(service !== undefined && linking !== undefined, 'The shop does not link accounts.')
  for (const { spec } of [service, linking])
    require(new URL(spec).origin === 'https://ucp.dev', `${spec} does not belong to UCP.`)
  return { endpoint: service.endpoint, scopes: Object.keys(linking.config.scopes) }
}

/**
 * Reads the parameters of a challenge (RFC 6750 §3).
 *
 * @param {string} challenge The value of `WWW-Authenticate`
 */
export function readChallenge(challenge) {
  return Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  )
}

/**
 * Finds the authorization server of an API: by the document that the challenge names (RFC 9728), then by the metadata of the server.
 *
 * @param {string} resource The URL of the API
 * @returns The metadata of the authorization server (RFC 8414)
 * @throws PlatformError if a document does not belong to the API or to the server, or the server lacks a feature that UCP requires
 */
export async function discover(resource, metadataUrl) {
  const document = await readJson(await send(metadataUrl))
  require(document.resource === resource, `The document is for ${document.resource} (RFC 9728 §3.3).`)
  const [issuer] = document.authorization_servers
  const server = await readServer(issuer)
  require(server.issuer === issuer, `The metadata is for ${server.issuer} (RFC 8414 §3.3).`)
  require(server.code_challenge_methods_supported?.includes('S256'), 'The server lacks PKCE with S256.')
  require(server.authorization_response_iss_parameter_supported === true, 'The server lacks iss (RFC 9207).')
  return server
}

/** UCP reads the second document only if the first one does not exist. Any other error ends the discovery. */
async function readServer(issuer) {
  const response = await send(`${issuer}/.well-known/oauth-authorization-server`)
  if (response.status !== 404) return readJson(response)
  return readJson(await send(`${issuer}/.well-known/openid-configuration`))
}

async function readJson(response) {
  require(response.ok, `${response.url} has the status ${response.status}.`)
  return response.json()
}

/** @throws PlatformError with the message if the condition is not true */
export function require(condition, message) {
  if (!condition) throw new PlatformError(message)
}

import { logSentence, showOldToken, showOutcome } from './panel.js'
import { request, ServerStopped } from './stopped_server.js'

const GIVE_UP_SECONDS = 60

/** A `fetch` that can drop a response of the token service. The service handles the request, but the page gets an error. */
export function lossyFetch(issuer) {
  let losesNext = false

  async function fetchOrLose(input, init) {
    const response = await fetch(input, init)
    if (!losesNext || input !== `${issuer}/oauth2-token`) return response
    losesNext = false
    await response.arrayBuffer()
    throw new TypeError('the response was dropped')
  }

  async function losingOne(work) {
    losesNext = true
    try {
      return await work()
    } finally {
      losesNext = false
    }
  }

  return { fetch: fetchOrLose, losingOne }
}

/** Sends the shop’s token to the back-office API, which must refuse it. */
export async function tryBackOffice(session, backofficeApi) {
  const response = await request('back-office API', backofficeApi, () =>
    present(session.accessToken, `${backofficeApi}/customers`),
  )
  const challenge = response.headers.get('WWW-Authenticate')
  const outcome =
    response.status === 401
      ? `Refused: 401, ${challenge}. The token is signed by the same key, but its “aud” names the storefront.`
      : `The back-office API responded with ${response.status}.`
  showOutcome(outcome)
  logSentence('The storefront token was sent to the back-office API.', 'back_office')
}

/** Sends a revoked token to the API every second until the API refuses it. */
export async function watchOldToken(token, storefrontApi) {
  const start = Date.now()
  showOldToken('Waiting for the API…')
  const seconds = () => Math.round((Date.now() - start) / 1000)
  while (seconds() < GIVE_UP_SECONDS) {
    const response = await present(token, `${storefrontApi}/cart`).catch(() => null)
    if (response?.status === 401) {
      showOldToken(`Refused ${seconds()} s after sign-out: 401, ${response.headers.get('WWW-Authenticate')}.`)
      logSentence('The storefront API refused the revoked token.', 'old_token_refused')
      return
    }
    showOldToken(
      response === null
        ? new ServerStopped('storefront API', storefrontApi).message
        : `Still accepted after ${seconds()} s. The API polls the revocation feed every 10 s.`,
    )
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  showOldToken('Not refused within a minute. Check that the storefront API can reach the token service.')
}

function present(token, url) {
  return fetch(url, { headers: { Authorization: `Bearer ${token}` } })
}

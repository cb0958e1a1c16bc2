import { logSentence, showOldToken, showOutcome } from './panel.js'

const GIVE_UP_SECONDS = 60

/** A `fetch` that can lose a response of the token service: the request is worked on there, and nobody hears of it. */
export function lossyFetch(issuer) {
  let losesNext = false

  async function fetchOrLose(input, init) {
    const response = await fetch(input, init)
    if (!losesNext || input !== `${issuer}/oauth2-token`) return response
    losesNext = false
    await response.arrayBuffer()
    throw new TypeError('the response was lost on the way')
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

/** Shows the shop’s token to the API of the back office, which is no API of this client. */
export async function tryBackOffice(session, backofficeApi) {
  const response = await present(session.accessToken, `${backofficeApi}/customers`)
  const challenge = response.headers.get('WWW-Authenticate')
  const outcome =
    response.status === 401
      ? `Refused: 401, ${challenge}. The token is signed by the same key, but its “aud” names the storefront.`
      : `The back office answered ${response.status}.`
  showOutcome(outcome)
  logSentence('The back-office API was shown the storefront’s token.', 'back_office')
}

/** Goes on using a token that was signed out, until the API has heard of it. */
export async function watchOldToken(token, storefrontApi) {
  const start = Date.now()
  showOldToken('Asking…')
  const seconds = () => Math.round((Date.now() - start) / 1000)
  while (seconds() < GIVE_UP_SECONDS) {
    const response = await present(token, `${storefrontApi}/cart`).catch(() => null)
    if (response?.status === 401) {
      showOldToken(
        `Refused ${seconds()} s after signing out: 401, ${response.headers.get('WWW-Authenticate')}.`,
      )
      logSentence('The storefront API refused the token that was signed out.', 'old_token_refused')
      return
    }
    showOldToken(`Still accepted after ${seconds()} s. The API reads the list of ended sessions every 10 s.`)
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  showOldToken('Not refused within a minute: is the storefront API cut off from the token service?')
}

function present(token, url) {
  return fetch(url, { headers: { Authorization: `Bearer ${token}` } })
}

import { byId, say } from '../element.js'
import { finishLinking, readLink, startLinking, unlink } from './account_link.js'
import { discover, PlatformError, readChallenge, readProfile, require, send } from './discovery.js'

const { shop } = await (await fetch('/services.json')).json()

/** The names of the scopes on the page. */
const SCOPE_NAMES = { 'dev.ucp.shopping.order:read': 'orders', 'dev.ucp.shopping.cart:manage': 'cart' }

/** The profile of the shop, or null before the first request. */
let profile = null

/** The parameters of the last challenge, or null. */
let challenge = null

byId('shop').href = shop
byId('orders').addEventListener('click', () => guard(() => read('/orders')))
byId('cart').addEventListener('click', () => guard(() => read('/cart')))
byId('link').addEventListener('click', () => guard(link))
byId('unlink').addEventListener('click', () => guard(endLink))
await guard(async () => {
  if (await finishLinking()) say(byId('message'), 'The account is linked.')
})
byId('operations').hidden = false
showAccount()

/** Sends the request of an operation, and shows the response. */
async function read(path, token = readLink()?.access_token) {
  profile ??= await readProfile(shop)
  const headers = token ? { Authorization: `Bearer ${token}` } : {}
  const response = await send(profile.endpoint + path, { headers, cache: 'no-store' })
  const body = await response.json()
  const [error] = body.messages ?? []
  challenge = error === undefined ? null : readChallenge(response.headers.get('WWW-Authenticate') ?? '')
  say(byId('message'), `${response.status} ${error?.code ?? body.error ?? 'OK'}`)
  say(byId('response'), JSON.stringify(body, null, 2))
  showAccount()
}

/**
 * Asks for the scopes that the token lacks, which the last challenge names. Before the first request, the page reads the orders to get a
 * challenge. A platform of UCP does not repeat the scopes of a valid token.
 */
async function link() {
  if (challenge?.scope === undefined) await read('/orders')
  require(challenge?.scope !== undefined, 'The API does not ask for an account.')
  const { error, resource_metadata: metadataUrl, scope } = challenge
  const present = error === 'insufficient_scope' ? readLink().scope.split(' ') : []
  const missing = scope.split(' ').filter((name) => !present.includes(name))
  for (const name of missing) require(profile.scopes.includes(name), `The profile lacks the scope ${name}.`)
  const { endpoint: resource } = profile
  await startLinking(await discover(resource, metadataUrl), { resource, scope: missing.join(' ') })
}

/** Ends the link, then sends the access token once more to show that the API refuses it. */
async function endLink() {
  const { access_token: token } = readLink()
  await unlink()
  await read('/orders', token)
}

/** Shows the state of the link, and the button for the next step of the linking. */
function showAccount() {
  const account = readLink()
  byId('unlink').hidden = account === null
  byId('link').hidden = account !== null && challenge?.scope === undefined
  byId('link').textContent =
    challenge?.error === 'insufficient_scope' ? 'Ask for the scope' : 'Link the account'
  byId('account').textContent = account === null ? 'No account is linked.' : `Linked: ${nameScopes(account)}`
}

function nameScopes({ scope }) {
  return scope
    .split(' ')
    .map((name) => SCOPE_NAMES[name] ?? name)
    .join(', ')
}

/** Runs work, and shows a message if a server does not respond or must not be used. */
async function guard(work) {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error
    say(byId('message'), error.message)
  }
}

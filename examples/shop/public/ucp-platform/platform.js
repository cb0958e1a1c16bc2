import { byId, say } from '../element.js'
import { finishLinking, readLink, startLinking, unlink } from './account_link.js'
import { discover, PlatformError, readChallenge, readProfile, require } from './discovery.js'

const { shop } = await (await fetch('/services.json')).json()

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
showAccount()

/** Sends the request of an operation, and shows the response. */
async function read(path, token = readLink()?.access_token) {
  profile ??= await readProfile(shop)
  const headers = token ? { Authorization: `Bearer ${token}` } : {}
  const response = await fetch(profile.endpoint + path, { headers, cache: 'no-store' })
  const body = await response.json()
  const [error] = body.messages ?? []
  challenge = error === undefined ? null : readChallenge(response.headers.get('WWW-Authenticate') ?? '')
  say(byId('message'), `${response.status} ${error?.code ?? body.error ?? 'OK'}`)
  say(byId('response'), JSON.stringify(body, null, 2))
  byId('link').hidden = challenge?.scope === undefined
  byId('link').textContent = error?.code === 'insufficient_scope' ? 'Ask for the scope' : 'Link the account'
}

/** Asks for the scopes that the token lacks. A platform of UCP does not repeat the scopes of a valid token. */
async function link() {
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
  showAccount()
  await read('/orders', token)
}

function showAccount() {
  const account = readLink()
  byId('operations').hidden = false
  byId('unlink').hidden = account === null
  byId('account').textContent = account === null ? 'No account is linked.' : `Linked: ${account.scope}`
}

/** Runs work, and shows a message if it fails. */
async function guard(work) {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof PlatformError || error instanceof TypeError)) throw error
    say(byId('message'), error instanceof PlatformError ? error.message : 'A server does not respond.')
  }
}

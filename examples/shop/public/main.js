import { CartModel } from './cart_model.js'
import { byId } from './element.js'
import { lossyFetch, tryBackOffice, watchOldToken } from './experiments.js'
import { logEvent, logSentence, showLife, showOutcome, showSession } from './panel.js'
import { createClient, isGuest, TokenRequestError } from './sallyport_client.js'
import { ShopApi } from './shop_api.js'
import { showAddress, showProducts } from './shop_view.js'
import { SignInForm } from './sign_in_form.js'
import { responds, ServerStopped } from './stopped_server.js'
import { clearWarning, showMessage, showWarning } from './toast.js'

const DEMO_ACCOUNT = { username: 'amanda@example.com', password: 'correct horse battery staple' }

const { issuer, storefrontApi, backofficeApi, partnerApp } = await (await fetch('services.json')).json()
// The server of the shop adds the secret of the client to token requests.
const backEnd = location.origin
const network = lossyFetch(backEnd)
const client = createClient({
  issuer,
  backEnd,
  clientId: 'shop-demo',
  apis: [storefrontApi],
  fetch: network.fetch,
})
const shop = new ShopApi(client, storefrontApi)
const onAddress = (orderId) => guard(() => readAddress(orderId))
const signInForm = new SignInForm(client)
const cart = new CartModel(shop, isCustomer, { guard, onAddress })
/** The beginning of `returnTo` of a sign-in for the address of an order. */
const ADDRESS_OF = 'address of '
/** Whether the user was ordering before the sign-in. */
let isOrdering = false
/** Whether the last request to the token service found no server. */
let isStopped = false

client.subscribe((event, session) => {
  if (event === 'retrying') logRetry()
  else {
    noteResponse()
    logEvent(event)
  }
  showSession(session)
  showAccount(session)
  if (event === 'signed_out') cart.clear()
  if (event === 'changed_elsewhere' || event === 'session_ended') guard(() => cart.show())
})
setInterval(() => showLife(client.session), 1000)

onPress('account', () => (isCustomer() ? signOut() : openSignIn({ toOrder: false })))
onPress('order', () => (isCustomer() ? order() : openSignIn({ toOrder: true })))
onPress('try-refresh', renew)
onPress('try-lost', renewWithLoss)
onPress('try-backoffice', async () =>
  tryBackOffice(client.session ?? (await client.refresh()), backofficeApi),
)
onPress('sign-in-redirect', () => leaveToSignIn({ returnTo: isOrdering ? 'cart' : '' }))
onPress('sign-in-mail', async () => finishSignIn(await signInForm.requestCode(describeSignInFailure)))
onPress('sign-up', () => leaveToSignIn({ prompt: 'create', returnTo: isOrdering ? 'cart' : '' }))
byId('console').href = `${issuer}/console`
byId('account-page').href = `${issuer}/account/customers`
byId('try-partner').href = partnerApp
byId('open-cart').addEventListener('click', () => byId('cart').showModal())
byId('fill-in').addEventListener('click', () => signInForm.fillIn(DEMO_ACCOUNT))
byId('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault()
  whileBusy(byId('sign-in-submit'), async () => finishSignIn(await signInForm.submit(describeSignInFailure)))
})
for (const dialog of document.querySelectorAll('dialog')) {
  dialog.querySelector('[data-close]').addEventListener('click', () => dialog.close())
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close())
}

showSession(client.session)
showAccount(client.session)
// The products need the session of the sign-in. A failure is shown after them.
const redirect = client.handleRedirect()
await redirect.catch(() => {})
await guard(async () => {
  try {
    await openShop()
  } catch (error) {
    if (!hasEnded(error)) throw error
    // A guest replaces the customer whose session has ended. The guard shows the warning after the products.
    await openShop()
    throw error
  }
})
await guard(async () => showRedirect(await redirect), { clears: false })

async function openShop() {
  const { products } = await shop.listProducts()
  showProducts(products, ({ sku, name }) => guard(() => add(sku, name)))
  await cart.show()
}

async function add(sku, name) {
  const isAdded = await cart.add(sku)
  showMessage(
    isAdded
      ? `${name} was added to your cart.`
      : `${name} was not added: your cart has 99, the most of one product.`,
  )
}

async function order() {
  try {
    await cart.order()
  } catch (error) {
    if (error.status !== 409) throw error
    await cart.show()
    return showWarning('Your cart has changed. Check it, then order again.')
  }
  byId('cart').close()
  logSentence('Order placed: the token’s scope allows it.', 'ordered')
  return showMessage('Thank you. Your order is listed below the products.')
}

function openSignIn({ toOrder }) {
  isOrdering = toOrder
  byId('cart').close()
  signInForm.reset()
  byId('sign-in').showModal()
}

/** Continues after a step of the form. @param step Null if the form waits for the user. */
async function finishSignIn(step) {
  if (step === null) return
  if (step.kind !== 'signed_in') return leaveToSignIn({ returnTo: isOrdering ? 'cart' : '' })
  signInForm.reset()
  byId('sign-in').close()
  await guard(() => cart.show('Your account had other items in its cart. Check the quantities.'))
  if (isOrdering) byId('cart').showModal()
}

function leaveToSignIn(options) {
  return client.signInWithRedirect({ scope: 'openid cart catalog orders', ...options })
}

/** Shows the address of an order. If the API needs a second factor or a newer sign-in, the token service asks for it first. */
async function readAddress(orderId) {
  try {
    await showAddressOf(orderId)
  } catch (error) {
    if (!error.stepUp) throw error
    await leaveToSignIn({ ...error.stepUp, returnTo: ADDRESS_OF + orderId })
  }
}

async function showAddressOf(orderId) {
  const { address } = await shop.readAddress(orderId)
  showAddress(orderId, address)
}

/** Shows the result of a sign-in on the page of the token service. */
async function showRedirect({ kind, error, returnTo }) {
  const orderId = returnTo?.startsWith(ADDRESS_OF) ? returnTo.slice(ADDRESS_OF.length) : null
  if (kind === 'signed_in' && orderId) return showAddressOf(orderId)
  if (error === 'access_denied' && orderId) return showMessage('The address stays hidden.')
  if (kind === 'signed_in' && returnTo === 'cart') byId('cart').showModal()
  if (kind === 'retry') showWarning('The sign-in did not finish. Nothing is lost. Sign in again.')
  if (kind === 'refused' && error === 'access_denied') showMessage('You did not sign in. You keep your cart.')
  else if (kind === 'refused') showWarning('The token service refused the sign-in. Try again.')
}

/** @param isCode Whether the user typed a code. */
function describeSignInFailure(error, isCode) {
  if (isUnreachable(error)) return describeFailure(error)
  const { code, status } = error instanceof TokenRequestError ? error : {}
  if (code === 'invalid_grant')
    return isCode ? 'The code is wrong or no longer valid.' : 'Wrong email or password.'
  if (code === 'invalid_session') return 'The sign-in took too long. Start again.'
  if (status === 429) return 'There were too many sign-ins. Wait a minute, then try again.'
  if (status === 503)
    return 'The token service is busy or its database does not respond. Try again in a moment.'
  return 'Sign-in failed. Try again.'
}

function isUnreachable(error) {
  return error instanceof TokenRequestError && error.code === 'unreachable'
}

async function signOut() {
  const { accessToken, idToken } = client.session
  // Only a session that began on the page of the token service has an ID token. Its browser session must end too.
  const leave = idToken ? { redirectUri: `${location.origin}/` } : undefined
  showOutcome(null)
  const isRevoked = await client.signOut(leave).then(
    () => true,
    () => false,
  )
  if (!isRevoked) {
    return showWarning(
      'You are signed out in this browser. The token service could not be reached, so your session there is still active.',
    )
  }
  logSentence('The token service ended the session.', 'ended')
  if (leave) return
  watchOldToken(accessToken, storefrontApi)
  return cart.show()
}

async function renew() {
  await client.refresh()
  showOutcome('New tokens received. The number of the refresh token and the remaining time have changed.')
}

async function renewWithLoss() {
  await network.losingOne(() => client.refresh())
  const kept = isCustomer() ? 'You are still signed in.' : 'You are still the same guest.'
  showOutcome(
    `The first response was dropped after the service had used the token. The retry got the same successor. ${kept}`,
  )
}

/** Distinguishes a lost response from a stopped server. The warning stays until the server responds. */
async function logRetry() {
  if (await responds(`${issuer}/health`)) return logEvent('retrying')
  showWarning(new ServerStopped('token service', issuer).message)
  if (!isStopped) logSentence('The token service does not respond. The client tries again.', 'unreachable')
  isStopped = true
}

function noteResponse() {
  if (isStopped) clearWarning()
  isStopped = false
}

function isCustomer() {
  const { session } = client
  return session !== null && !isGuest(session)
}

function showAccount(session) {
  byId('account').disabled = false
  byId('account').textContent = session && !isGuest(session) ? 'Sign out' : 'Sign in'
}

function onPress(id, work) {
  byId(id).addEventListener('click', () => whileBusy(byId(id), () => guard(async () => work())))
}

/** Ignores a press while the work of the same button runs. */
async function whileBusy(button, work) {
  if (button.ariaBusy === 'true') return
  button.ariaBusy = 'true'
  await work()
  button.ariaBusy = 'false'
}

/** Runs work, and shows a warning if it fails. The user can try again. @param clears Whether an earlier warning ends */
async function guard(work, { clears = true } = {}) {
  try {
    if (clears) clearWarning()
    await work()
  } catch (error) {
    showWarning(describeFailure(error))
  }
}

function hasEnded(error) {
  return error.code === 'session_ended' || error.status === 401
}

function describeFailure(error) {
  if (hasEnded(error)) return 'Your session has ended and nothing was changed. Sign in again.'
  if (isUnreachable(error)) return new ServerStopped('token service', issuer).message
  if (error instanceof ServerStopped) return error.message
  if (error.code === 'no_storage') return 'Your browser stores no data for this page. Sign in here.'
  return 'The shop is not available now. Nothing is lost. Try again in a moment.'
}

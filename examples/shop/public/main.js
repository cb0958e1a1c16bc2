import { byId, say } from './element.js'
import { lossyFetch, tryBackOffice, watchOldToken } from './experiments.js'
import { logEvent, logSentence, showLife, showOutcome, showSession } from './panel.js'
import { createClient, isGuest, TokenRequestError } from './sallyport_client.js'
import { ShopApi } from './shop_api.js'
import { showCart, showOrders, showProducts } from './shop_view.js'

const DEMO_ACCOUNT = { username: 'amanda@example.com', password: 'correct horse battery staple' }

const { issuer, storefrontApi, backofficeApi } = await (await fetch('services.json')).json()
const network = lossyFetch()
const client = createClient({ issuer, clientId: 'shop-demo', apis: [storefrontApi], fetch: network })
const shop = new ShopApi(client, storefrontApi)
let cart = { lines: [], totalCents: 0 }
let lastChange = Promise.resolve()

client.subscribe((event, session) => {
  logEvent(event)
  showSession(session)
  showAccount(session)
  if (event === 'changed_elsewhere' || event === 'session_ended') guard(showVisit)
})
setInterval(() => showLife(client.session), 1000)

byId('account').addEventListener('click', () => (isCustomer() ? guard(signOut) : openSignIn()))
byId('open-cart').addEventListener('click', () => byId('cart').showModal())
byId('order').addEventListener('click', () => (isCustomer() ? guard(order) : openSignIn()))
byId('fill-in').addEventListener('click', () => Object.entries(DEMO_ACCOUNT).forEach(fillIn))
byId('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault()
  signIn(event.target)
})
byId('try-refresh').addEventListener('click', () => guard(renew))
byId('try-lost').addEventListener('click', () => guard(renewWithLoss))
byId('try-backoffice').addEventListener('click', () =>
  guard(() => tryBackOffice(client.session, backofficeApi)),
)
for (const button of document.querySelectorAll('[data-close]')) {
  button.addEventListener('click', () => button.closest('dialog').close())
}

showSession(client.session)
showAccount(client.session)
await guard(async () => {
  const { products } = await shop.listProducts()
  showProducts(products, (sku) => guard(() => setQuantity(sku, (inCart) => inCart + 1)))
  await showVisit()
})

/** The cart and the orders of whoever is here now. */
async function showVisit() {
  await updateCart(() => shop.readCart())
  const { orders } = isCustomer() ? await shop.listOrders() : { orders: [] }
  showOrders(orders)
}

/** One change of the cart after the other, so that each knows what the last one left. */
function updateCart(ask) {
  lastChange = lastChange
    .catch(() => {})
    .then(async () => {
      cart = await ask()
      showCart(cart, !isCustomer(), (sku, quantity) => guard(() => setQuantity(sku, () => quantity)))
    })
  return lastChange
}

function setQuantity(sku, quantityAfter) {
  return updateCart(() => {
    const inCart = cart.lines.find((line) => line.sku === sku)?.quantity ?? 0
    return shop.setQuantity(sku, Math.min(99, quantityAfter(inCart)))
  })
}

async function order() {
  const id = crypto.randomUUID()
  // Asking again for the same order places nothing twice.
  await shop.placeOrder(id).catch((error) => {
    if (error instanceof TypeError) return shop.placeOrder(id)
    throw error
  })
  byId('cart').close()
  logSentence('You placed an order: the token’s scope allows it.', 'ordered')
  await showVisit()
}

function openSignIn() {
  byId('cart').close()
  say(byId('sign-in-error'), null)
  byId('sign-in').showModal()
}

function fillIn([name, value]) {
  byId('sign-in-form').elements[name].value = value
}

async function signIn(form) {
  const { username, password } = form.elements
  try {
    await client.signIn(username.value, password.value)
    password.value = ''
    byId('sign-in').close()
    await guard(showVisit)
  } catch (error) {
    const isWrong = error instanceof TokenRequestError && error.code === 'invalid_grant'
    say(
      byId('sign-in-error'),
      isWrong ? 'That email and password do not fit.' : 'That did not work. Try again.',
    )
  }
}

async function signOut() {
  const { accessToken } = client.session
  await client.signOut()
  watchOldToken(accessToken, storefrontApi)
  await showVisit()
}

async function renew() {
  await client.refresh()
  showOutcome('Done. Look at the refresh token’s number, and at the time that is left.')
}

async function renewWithLoss() {
  network.loseNext()
  await client.refresh()
  showOutcome(
    'The first answer was thrown away after the service had exchanged the token. You are still signed in.',
  )
}

function isCustomer() {
  const { session } = client
  return session !== null && !isGuest(session)
}

function showAccount(session) {
  byId('account').disabled = false
  byId('account').textContent = session && !isGuest(session) ? 'Sign out' : 'Sign in'
}

/** Whatever goes wrong on the way is told, and can be tried again. */
async function guard(work) {
  try {
    await work()
    say(byId('notice'), null)
  } catch {
    say(byId('notice'), 'The shop cannot be reached now. Nothing is lost: please try again in a moment.')
  }
}

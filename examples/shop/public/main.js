import { byId, say } from './element.js'
import { lossyFetch, tryBackOffice, watchOldToken } from './experiments.js'
import { logEvent, logSentence, showLife, showOutcome, showSession } from './panel.js'
import { createClient, isGuest, TokenRequestError } from './sallyport_client.js'
import { ShopApi } from './shop_api.js'
import { showProducts } from './shop_view.js'
import { forgetWarning, tell, warn } from './toast.js'
import { Visit } from './visit.js'

const DEMO_ACCOUNT = { username: 'amanda@example.com', password: 'correct horse battery staple' }

const { issuer, storefrontApi, backofficeApi } = await (await fetch('services.json')).json()
const network = lossyFetch(issuer)
const client = createClient({ issuer, clientId: 'shop-demo', apis: [storefrontApi], fetch: network.fetch })
const shop = new ShopApi(client, storefrontApi)
const visit = new Visit(shop, isCustomer, guard)

client.subscribe((event, session) => {
  logEvent(event)
  showSession(session)
  showAccount(session)
  if (event === 'signed_out') visit.clear()
  if (event === 'changed_elsewhere' || event === 'session_ended') guard(() => visit.show())
})
setInterval(() => showLife(client.session), 1000)

onPress('account', () => (isCustomer() ? signOut() : openSignIn()))
onPress('order', () => (isCustomer() ? order() : openSignIn()))
onPress('try-refresh', renew)
onPress('try-lost', renewWithLoss)
onPress('try-backoffice', async () =>
  tryBackOffice(client.session ?? (await client.refresh()), backofficeApi),
)
byId('open-cart').addEventListener('click', () => byId('cart').showModal())
byId('fill-in').addEventListener('click', () => Object.entries(DEMO_ACCOUNT).forEach(fillIn))
byId('sign-in-form').addEventListener('submit', (event) => {
  event.preventDefault()
  whileBusy(byId('sign-in-submit'), () => signIn(event.target))
})
for (const dialog of document.querySelectorAll('dialog')) {
  dialog.querySelector('[data-close]').addEventListener('click', () => dialog.close())
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close())
}

showSession(client.session)
showAccount(client.session)
await guard(async () => {
  const { products } = await shop.listProducts()
  showProducts(products, ({ sku, name }) => guard(() => add(sku, name)))
  await visit.show()
})

async function add(sku, name) {
  await visit.add(sku)
  tell(`${name}: it is in your cart.`)
}

async function order() {
  try {
    await visit.order()
  } catch (error) {
    if (error.status !== 409) throw error
    await visit.show()
    return warn('Your cart was changed in the meantime. Look at it again, then order.')
  }
  byId('cart').close()
  logSentence('You placed an order: the token’s scope allows it.', 'ordered')
  return tell('Thank you. Your order is placed: it is listed below the products.')
}

function openSignIn() {
  byId('cart').close()
  byId('sign-in-form').reset()
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
  } catch (error) {
    const isWrong = error instanceof TokenRequestError && error.code === 'invalid_grant'
    say(
      byId('sign-in-error'),
      isWrong ? 'That email and password do not fit.' : 'That did not work. Try again.',
    )
    return password.select()
  }
  form.reset()
  byId('sign-in').close()
  return guard(() => visit.show())
}

async function signOut() {
  const { accessToken } = client.session
  showOutcome(null)
  const wasTold = await client.signOut().then(
    () => true,
    () => false,
  )
  if (!wasTold) {
    return warn(
      'You are signed out in this browser. The token service could not be told, so the session lives on there.',
    )
  }
  logSentence('The token service ended the session.', 'ended')
  watchOldToken(accessToken, storefrontApi)
  return visit.show()
}

async function renew() {
  await client.refresh()
  showOutcome('Done. Look at the refresh token’s number, and at the time that is left.')
}

async function renewWithLoss() {
  await network.losingOne(() => client.refresh())
  showOutcome(
    'The first response was thrown away after the service had exchanged the token. You are still signed in.',
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

function onPress(id, work) {
  byId(id).addEventListener('click', () => whileBusy(byId(id), () => guard(async () => work())))
}

/** One at a time: a button that is still at work takes no second press. */
async function whileBusy(button, work) {
  if (button.ariaBusy === 'true') return
  button.ariaBusy = 'true'
  await work()
  button.ariaBusy = 'false'
}

/** Whatever goes wrong on the way is told, and can be tried again. */
async function guard(work) {
  try {
    forgetWarning()
    await work()
  } catch (error) {
    const isOver = error.code === 'session_ended' || error.status === 401
    warn(
      isOver
        ? 'Your session is over, so that was not done. Please sign in again.'
        : 'The shop cannot be reached now. Nothing is lost: please try again in a moment.',
    )
  }
}

import { byId, element, say } from '../element.js'
import { createClient, readClaims, TokenRequestError } from '../sallyport_client.js'

const money = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' })
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' })

const { issuer, storefrontApi, shop } = await (await fetch('/services.json')).json()
const client = createClient({
  issuer,
  clientId: 'demo-partner',
  apis: [storefrontApi],
  scope: 'orders',
  guests: false,
})

byId('shop').href = shop
byId('connect').addEventListener('click', () => guard(() => client.signInWithRedirect()))
byId('disconnect').addEventListener('click', () => guard(disconnect))
await guard(async () => {
  const result = await client.handleRedirect()
  say(byId('message'), describeResult(result))
})
await guard(show)

async function show() {
  const isConnected = client.session !== null
  byId('disconnected').hidden = isConnected
  byId('connected').hidden = !isConnected
  if (isConnected) await showOrders(client.session)
}

async function showOrders({ accessToken }) {
  byId('scope').textContent = readClaims(accessToken).scope
  const response = await client.fetch(`${storefrontApi}/orders`)
  const { orders } = await response.json()
  const spent = orders.reduce((sum, { totalCents }) => sum + totalCents, 0)
  byId('summary').textContent =
    orders.length === 0
      ? 'You have no orders yet.'
      : `${orders.length} ${orders.length === 1 ? 'order' : 'orders'}, ${money.format(spent / 100)} in total.`
  byId('orders').replaceChildren(
    ...orders.map(({ placedAt, totalCents }) =>
      element(
        'li',
        {},
        element('span', {}, day.format(placedAt * 1000)),
        element('strong', {}, money.format(totalCents / 100)),
      ),
    ),
  )
}

async function disconnect() {
  await client.signOut()
  say(byId('message'), 'Disconnected. This app has no token any more.')
  await show()
}

function describeResult({ kind, error }) {
  if (kind === 'retry') return 'The connection did not finish. Connect again.'
  if (kind !== 'refused') return null
  return error === 'access_denied'
    ? 'You did not allow the access.'
    : 'The token service refused. Connect again.'
}

/** Runs work, and shows a message if it fails. */
async function guard(work) {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof TokenRequestError)) throw error
    say(byId('message'), describeFailure(error))
    byId('disconnected').hidden = client.session !== null
    byId('connected').hidden = client.session === null
  }
}

function describeFailure({ code, isTemporary }) {
  if (code === 'session_ended') return 'The connection has ended. Connect again.'
  if (code === 'no_storage') return 'Your browser stores no data for this page. Allow it, then connect again.'
  if (!isTemporary) return 'The token service refused. Connect again.'
  return `The token service at ${issuer} does not respond. Check that npm run demo still runs.`
}

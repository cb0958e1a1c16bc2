import { byId, drawing, element } from './element.js'
import { showMessage } from './toast.js'

const money = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' })
const price = (cents) => money.format(cents / 100)
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' })

/** @param onAdd Called with the product. */
export function showProducts(products, onAdd) {
  const list = byId('products')
  list.replaceChildren(...products.map((product) => productCard(product, onAdd)))
  list.setAttribute('aria-busy', 'false')
}

function productCard(product, onAdd) {
  const { sku, name, description, priceCents } = product
  const add = element('button', { type: 'button', 'aria-label': `Add ${name} to the cart` }, 'Add')
  add.addEventListener('click', () => onAdd(product))
  return element(
    'li',
    { class: 'product', 'data-sku': sku },
    element('div', { class: 'art' }, drawing(sku)),
    element('h2', {}, name),
    element('p', {}, description),
    element('div', { class: 'buy' }, element('span', { class: 'price' }, price(priceCents)), add),
  )
}

/** @param onChange Called with a sku and its new quantity. */
export function showCart({ lines, totalCents }, isGuest, onChange) {
  const count = lines.reduce((sum, line) => sum + line.quantity, 0)
  byId('cart-count').textContent = String(count)
  byId('open-cart').setAttribute('aria-label', `Cart, ${count} ${count === 1 ? 'item' : 'items'}`)
  showLines(lines, onChange)
  byId('cart-empty').hidden = count > 0
  byId('cart-footer').hidden = count === 0
  byId('cart-total').textContent = price(totalCents)
  byId('order').textContent = isGuest ? 'Sign in to order' : 'Place the order'
  byId('order-hint').textContent = isGuest
    ? 'Guests can only fill a cart. An order needs the token of a customer.'
    : ''
}

/** Keeps the elements of lines that stay, so that an input keeps the focus. */
function showLines(lines, onChange) {
  const list = byId('cart-lines')
  const known = new Map([...list.children].map((item) => [item.dataset.sku, item]))
  const items = lines.map((line) => {
    const item = known.get(line.sku) ?? cartLine(line, onChange)
    known.delete(line.sku)
    const quantity = item.querySelector('input')
    quantity.defaultValue = quantity.value = String(line.quantity)
    item.querySelector('.price').textContent = price(line.priceCents * line.quantity)
    return item
  })
  for (const gone of known.values()) removeLine(gone)
  for (const [i, item] of items.entries())
    if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null)
}

/** Removes a line. If it had the focus, the next line or the close button gets it. */
function removeLine(line) {
  const hadFocus = line.contains(document.activeElement)
  const next = line.nextElementSibling ?? line.previousElementSibling
  line.remove()
  if (hadFocus) (next?.querySelector('input') ?? byId('cart').querySelector('[data-close]')).focus()
}

function cartLine({ sku, name }, onChange) {
  const quantity = element('input', {
    type: 'number',
    min: '0',
    max: '99',
    'aria-label': `Quantity of ${name}`,
  })
  quantity.addEventListener('change', () => {
    if (quantity.value !== '' && quantity.reportValidity()) onChange(sku, quantity.valueAsNumber)
  })
  // An invalid value is not ordered, so the field shows the ordered quantity again.
  quantity.addEventListener('blur', () => {
    if (quantity.value !== '' && quantity.checkValidity()) return
    quantity.value = quantity.defaultValue
    showMessage(`The quantity of ${name} stays ${quantity.value}. Type a whole number from 0 to 99.`)
  })
  const remove = element(
    'button',
    { type: 'button', class: 'link', 'aria-label': `Remove ${name}` },
    'Remove',
  )
  remove.addEventListener('click', () => onChange(sku, 0))
  return element(
    'li',
    { 'data-sku': sku },
    element('div', { class: 'art' }, drawing(sku)),
    element('div', {}, element('strong', {}, name), remove),
    quantity,
    element('span', { class: 'price' }),
  )
}

/** @param onAddress Called with the id of an order whose address the user wants to see. */
export function showOrders(orders, onAddress) {
  byId('orders-section').hidden = orders.length === 0
  byId('orders').replaceChildren(...orders.map((order) => orderItem(order, onAddress)))
}

function orderItem({ id, placedAt, lines, totalCents }, onAddress) {
  const time = day.format(placedAt * 1000)
  const label = `Show the address of the order of ${time}`
  const show = element('button', { type: 'button', class: 'link', 'aria-label': label }, 'Show address')
  show.addEventListener('click', () => onAddress(id))
  return element(
    'li',
    { 'data-order': id },
    element('span', {}, time),
    element('span', {}, lines.map(({ quantity, name }) => `${quantity} × ${name}`).join(', ')),
    element('strong', {}, price(totalCents)),
    element('p', { class: 'address' }, show),
  )
}

/** Shows the address of an order in place of its button. The text gets the focus, because the button had it. */
export function showAddress(orderId, address) {
  const place = byId('orders').querySelector(`[data-order="${orderId}"] .address`)
  if (!place) return
  place.tabIndex = -1
  place.replaceChildren(address)
  place.focus()
}

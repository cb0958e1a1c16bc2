import { showCart, showOrders } from './shop_view.js'

const EMPTY = { lines: [], totalCents: 0 }
const MAX_QUANTITY = 99

/** The cart and the orders of whoever is here, in all tabs: what another one changed is read again. */
export class Visit {
  #shop
  #isCustomer
  #guard
  #cart = EMPTY
  #lastStep = Promise.resolve()
  #tabs = new BroadcastChannel('slow-pour')

  /** @param guard Runs work, and tells where it fails. */
  constructor(shop, isCustomer, guard) {
    this.#shop = shop
    this.#isCustomer = isCustomer
    this.#guard = guard
    this.#tabs.addEventListener('message', () => guard(() => this.show()))
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') guard(() => this.show())
    })
  }

  get totalCents() {
    return this.#cart.totalCents
  }

  /** Shows what the API has. */
  async show() {
    await this.#step(() => this.#shop.readCart())
    const { orders } = this.#isCustomer() ? await this.#shop.listOrders() : { orders: [] }
    showOrders(orders)
  }

  /** Shows nothing of whoever was here. */
  clear() {
    this.#cart = EMPTY
    this.#showCart()
    showOrders([])
  }

  async add(sku) {
    await this.#step(async () => {
      // Another tab may have put in some.
      const { lines } = await this.#shop.readCart()
      const inCart = lines.find((line) => line.sku === sku)?.quantity ?? 0
      return this.#shop.setQuantity(sku, Math.min(MAX_QUANTITY, inCart + 1))
    })
    this.#tabs.postMessage('changed')
  }

  async setQuantity(sku, quantity) {
    await this.#step(() => this.#shop.setQuantity(sku, quantity))
    this.#tabs.postMessage('changed')
  }

  /** Orders what is shown. @throws ApiError 409 where the cart is not what is shown any more */
  async order() {
    const id = crypto.randomUUID()
    const place = () => this.#shop.placeOrder(id, this.#cart.totalCents)
    // A lost response: asking again for the same order places nothing twice.
    await place().catch((error) => (error instanceof TypeError ? place() : Promise.reject(error)))
    this.#tabs.postMessage('changed')
    await this.show()
  }

  /** One after the other, so that each knows what the last one left. */
  #step(ask) {
    const step = this.#lastStep.then(async () => {
      this.#cart = await ask()
    })
    this.#lastStep = step.catch(() => {})
    // Where it failed, the fields go back to what is known.
    return step.finally(() => this.#showCart())
  }

  #showCart() {
    showCart(this.#cart, !this.#isCustomer(), (sku, quantity) =>
      this.#guard(() => this.setQuantity(sku, quantity)),
    )
  }
}

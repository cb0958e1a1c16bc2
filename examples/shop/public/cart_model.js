import { showCart, showOrders } from './shop_view.js'

const EMPTY = { lines: [], totalCents: 0 }
const MAX_QUANTITY = 99

/** The cart and the orders of the current user. A change in another tab makes this tab read them again. */
export class CartModel {
  #shop
  #isCustomer
  #guard
  #cart = EMPTY
  #lastStep = Promise.resolve()
  #tabs = new BroadcastChannel('slow-pour')

  /** @param guard Runs work and shows a warning if it fails. */
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

  /** Reads the cart and the orders from the API and shows them. */
  async show() {
    await this.#step(() => this.#shop.readCart())
    const { orders } = this.#isCustomer() ? await this.#shop.listOrders() : { orders: [] }
    showOrders(orders)
  }

  /** Shows an empty cart and no orders, after a sign-out. */
  clear() {
    this.#cart = EMPTY
    this.#showCart()
    showOrders([])
  }

  async add(sku) {
    await this.#step(async () => {
      // Another tab may have changed the quantity.
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

  /** Orders the cart as it is shown. @throws ApiError 409 if the cart of the API differs */
  async order() {
    const id = crypto.randomUUID()
    const place = () => this.#shop.placeOrder(id, this.#cart.totalCents)
    // A TypeError means a lost response. A retry with the same id places the order once.
    await place().catch((error) => (error instanceof TypeError ? place() : Promise.reject(error)))
    this.#tabs.postMessage('changed')
    await this.show()
  }

  /** Runs requests one after the other, so that each one has the result of the previous one. */
  #step(ask) {
    const step = this.#lastStep.then(async () => {
      this.#cart = await ask()
    })
    this.#lastStep = step.catch(() => {})
    // After a failure, the fields show the last known cart again.
    return step.finally(() => this.#showCart())
  }

  #showCart() {
    showCart(this.#cart, !this.#isCustomer(), (sku, quantity) =>
      this.#guard(() => this.setQuantity(sku, quantity)),
    )
  }
}

import { showCart, showOrders } from './shop_view.js'
import { ServerStopped } from './stopped_server.js'
import { showMessage } from './toast.js'

const EMPTY = { lines: [], totalCents: 0 }
const MAX_QUANTITY = 99
/** The user did not ask for the work, so a shown warning stays. */
const IN_BACKGROUND = { clears: false }
const CHANGED_ELSEWHERE = 'Your cart was changed in another tab.'

/** The cart and the orders of the current user. A change in another tab makes this tab read them again. */
export class CartModel {
  #shop
  #isCustomer
  #guard
  #onAddress
  #cart = EMPTY
  #lastStep = Promise.resolve()
  #tabs = new BroadcastChannel('slow-pour')

  /**
   * @param guard Runs work and shows a warning if it fails.
   * @param onAddress Called with the id of an order whose address the user wants to see.
   */
  constructor(shop, isCustomer, { guard, onAddress }) {
    this.#shop = shop
    this.#isCustomer = isCustomer
    this.#guard = guard
    this.#onAddress = onAddress
    this.#tabs.addEventListener('message', () => guard(() => this.show(CHANGED_ELSEWHERE), IN_BACKGROUND))
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') guard(() => this.show(CHANGED_ELSEWHERE), IN_BACKGROUND)
    })
  }

  get totalCents() {
    return this.#cart.totalCents
  }

  /**
   * Reads the cart and the orders from the API and shows them.
   *
   * @param notice A message for the user if the cart was shown with other items or quantities.
   */
  async show(notice = null) {
    let before = EMPTY
    await this.#step(() => {
      before = this.#cart
      return this.#shop.readCart()
    })
    if (notice && before.lines.length > 0 && !isSameCart(before, this.#cart)) showMessage(notice)
    const { orders } = this.#isCustomer() ? await this.#shop.listOrders() : { orders: [] }
    showOrders(orders, this.#onAddress)
  }

  /** Shows an empty cart and no orders, after a sign-out. */
  clear() {
    this.#cart = EMPTY
    this.#showCart()
    showOrders([], this.#onAddress)
  }

  /** Adds one. @returns Whether it was added: a cart has at most MAX_QUANTITY of a product */
  async add(sku) {
    let isAdded = false
    await this.#step(async () => {
      // Another tab may have changed the quantity.
      const cart = await this.#shop.readCart()
      const inCart = cart.lines.find((line) => line.sku === sku)?.quantity ?? 0
      isAdded = inCart < MAX_QUANTITY
      return isAdded ? this.#shop.setQuantity(sku, inCart + 1) : cart
    })
    if (isAdded) this.#tabs.postMessage('changed')
    return isAdded
  }

  async setQuantity(sku, quantity) {
    await this.#step(() => this.#shop.setQuantity(sku, quantity))
    this.#tabs.postMessage('changed')
  }

  /** Orders the cart as it is shown. @throws ApiError 409 if the cart of the API differs */
  async order() {
    const id = crypto.randomUUID()
    const place = () => this.#shop.placeOrder(id, this.#cart.totalCents)
    // The response may be lost. A retry with the same id places the order once.
    await place().catch((error) => (error instanceof ServerStopped ? place() : Promise.reject(error)))
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

function isSameCart(a, b) {
  const describe = ({ lines }) => lines.map(({ sku, quantity }) => `${sku} ${quantity}`).join()
  return describe(a) === describe(b)
}

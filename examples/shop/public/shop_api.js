import { readStepUp } from './sallyport_client.js'
import { request } from './stopped_server.js'

/** A refusal of the storefront API. */
export class ApiError extends Error {
  /** @param stepUp The demands of the API for the sign-in; null without demands */
  constructor(status, code, stepUp = null) {
    super(`the storefront API responded with ${status} ${code}`)
    this.status = status
    this.code = code
    this.stepUp = stepUp
  }
}

/** The storefront API. The client package attaches the token to each request. */
export class ShopApi {
  #client
  #url

  constructor(client, url) {
    this.#client = client
    this.#url = url
  }

  listProducts() {
    return this.#request('/catalog')
  }

  readCart() {
    return this.#request('/cart')
  }

  setQuantity(sku, quantity) {
    return this.#request(`/cart/${sku}`, { quantity })
  }

  listOrders() {
    return this.#request('/orders')
  }

  /**
   * @param id A UUID of the caller, so that a retry after a lost response places the order once.
   * @param totalCents The total that the page shows. The API refuses a cart with another total.
   */
  placeOrder(id, totalCents) {
    return this.#request(`/orders/${id}`, { totalCents })
  }

  /** @throws ApiError with `stepUp` if the customer must confirm the sign-in first */
  readAddress(orderId) {
    return this.#request(`/orders/${orderId}/address`)
  }

  async #request(path, body) {
    const init = body
      ? { method: 'PUT', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
      : {}
    const response = await request('storefront API', this.#url, () =>
      this.#client.fetch(this.#url + path, init),
    )
    const result = await response.json()
    if (!response.ok) throw new ApiError(response.status, result.error, readStepUp(response))
    return result
  }
}

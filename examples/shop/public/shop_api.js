/** A response of the storefront API that is not what was asked for. */
export class ApiError extends Error {
  constructor(status, code) {
    super(`the storefront API answered ${status} ${code}`)
    this.status = status
    this.code = code
  }
}

/** The storefront API, by a client that attaches the token. */
export class ShopApi {
  #client
  #url

  constructor(client, url) {
    this.#client = client
    this.#url = url
  }

  listProducts() {
    return this.#ask('/catalog')
  }

  readCart() {
    return this.#ask('/cart')
  }

  setQuantity(sku, quantity) {
    return this.#ask(`/cart/${sku}`, { quantity })
  }

  listOrders() {
    return this.#ask('/orders')
  }

  /**
   * @param id Made by the caller, so that asking again after a lost response orders nothing twice.
   * @param totalCents What the customer saw: another cart is not ordered.
   */
  placeOrder(id, totalCents) {
    return this.#ask(`/orders/${id}`, { totalCents })
  }

  async #ask(path, body) {
    const init = body
      ? { method: 'PUT', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
      : {}
    const response = await this.#client.fetch(this.#url + path, init)
    const answer = await response.json()
    if (!response.ok) throw new ApiError(response.status, answer.error)
    return answer
  }
}

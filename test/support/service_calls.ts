/** A response of the service: its status, and its JSON body or null. */
export interface ServiceAnswer {
  status: number
  body: Record<string, unknown>
}

/** Calls of one server over HTTP. */
export class ServiceCalls {
  readonly #origin: string

  constructor(origin: string) {
    this.#origin = origin
  }

  post(path: string, form: Record<string, string>): Promise<ServiceAnswer> {
    return this.#call(path, { method: 'POST', body: new URLSearchParams(form) })
  }

  token(form: Record<string, string>): Promise<ServiceAnswer> {
    return this.post('/oauth2-token', form)
  }

  get(path: string, accessToken?: string): Promise<ServiceAnswer> {
    return this.#call(path, accessToken ? { headers: { Authorization: `Bearer ${accessToken}` } } : {})
  }

  /** The text of a public document, such as the revocation feed. */
  async text(path: string): Promise<string> {
    return (await fetch(`${this.#origin}${path}`)).text()
  }

  async #call(path: string, init: RequestInit): Promise<ServiceAnswer> {
    const response = await fetch(`${this.#origin}${path}`, init)
    const text = await response.text()
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
  }
}

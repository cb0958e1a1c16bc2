import { setTimeout as sleep } from 'node:timers/promises'
import { compact } from '../src/lib/compact.ts'
import { DEMO_OPERATOR } from './demo_data.ts'
import type { ServiceServer } from './worker_server.ts'

/** The parameters of a token request. */
export type Form = Record<string, string>

export const SHOP = { client_id: 'storefront-demo', client_secret: 'storefront-demo-secret' }
export const MOBILE = { client_id: 'storefront-mobile', client_secret: 'storefront-mobile-secret' }
export const GUEST_CLIENT = { client_id: 'storefront-public' }
const CLI = { client_id: 'sallyport-cli' }

interface Tokens {
  access_token: string
  refresh_token: string
}

export function refreshForm(token: string, client: Form = SHOP): Form {
  return { grant_type: 'refresh_token', refresh_token: token, ...client }
}

export function passwordForm(username: string, password: string, client: Form = SHOP): Form {
  return { grant_type: 'password', username, password, ...client }
}

/** Requests to one running service. Each method throws if the service refuses it. */
export class DrillAccount {
  #operator: { token: string; confirmation: string } | null = null
  readonly #service: Pick<ServiceServer, 'origin'>

  constructor(service: Pick<ServiceServer, 'origin'>) {
    this.#service = service
  }

  /** Whether a token request is successful. */
  async isAccepted(form: Form): Promise<boolean> {
    const response = await this.#post('/oauth2-token', form)
    if (response.status >= 500) throw await errorOf(response)
    return response.status === 200
  }

  async token(form: Form): Promise<Tokens> {
    const response = await this.#post('/oauth2-token', form)
    if (!response.ok) throw await errorOf(response)
    return (await response.json()) as Tokens
  }

  /** @returns the next refresh token */
  async refresh(token: string, client: Form = SHOP): Promise<string> {
    return (await this.token(refreshForm(token, client))).refresh_token
  }

  async revoke(token: string, client: Form = SHOP): Promise<void> {
    await this.#post('/oauth2-token/revoke', { token, ...client })
  }

  /** The text of the revocation feed. */
  async feed(): Promise<string> {
    return (await fetch(`${this.#service.origin}/revocations`)).text()
  }

  /** Calls the admin API as the demo operator, with a confirmation. @param body Null for GET. PATCH changes a record in its first version */
  async admin(path: string, body: object | null, method = 'POST'): Promise<Record<string, unknown>> {
    this.#operator ??= await this.#signInOperator()
    return this.#callAdmin(path, body, { ...this.#operator, method })
  }

  /** The next call of the admin API signs in again. */
  signOutOperator(): void {
    this.#operator = null
  }

  /** The confirmation is valid for some minutes. */
  async #signInOperator(): Promise<{ token: string; confirmation: string }> {
    const { username, password } = DEMO_OPERATOR
    const { access_token: token } = await this.token(passwordForm(username, password, CLI))
    const { confirmation } = await this.#callAdmin('/me/confirm', { current_password: password }, { token })
    return { token, confirmation: String(confirmation) }
  }

  async #callAdmin(
    path: string,
    body: object | null,
    { token, confirmation, method = 'POST' }: { token: string; confirmation?: string; method?: string },
  ): Promise<Record<string, unknown>> {
    const headers = compact({
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'Sallyport-Confirmation': confirmation,
      'If-Match': method === 'PATCH' ? '"1"' : undefined,
    })
    const request = body === null ? {} : { method, body: JSON.stringify(body) }
    const response = await fetch(`${this.#service.origin}/admin/api${path}`, { ...request, headers })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`)
    return text === '' ? {} : JSON.parse(text)
  }

  /** Sends a form, and once more after a 503: a client gets it in the first seconds after its revocation. */
  async #post(path: string, form: Form): Promise<Response> {
    const send = () =>
      fetch(`${this.#service.origin}${path}`, { method: 'POST', body: new URLSearchParams(form) })
    const response = await send()
    if (response.status !== 503) return response
    await sleep(Number(response.headers.get('Retry-After')) * 1000)
    return send()
  }
}

async function errorOf(response: Response): Promise<Error> {
  return new Error(`the token endpoint answered ${response.status}: ${await response.text()}`)
}

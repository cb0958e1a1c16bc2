import { persist, TokenRequestError } from '../../../client/src/token_endpoint.ts'
import { type Account, fetchStrictly } from './account.ts'
import { decodeProblem, ProblemError } from './problem.ts'

/** A request to the admin API. */
export interface ApiRequest {
  /** Method and path below /admin/api, such as `GET /clients`. Values in the path are encoded by `at`. */
  operation: string
  query?: Record<string, string | number | boolean | undefined>
  body?: object
  /** For If-Match. */
  etag?: string
  /** Asks again where no response came: only for what does nothing the second time. Reads are asked again anyway. */
  isRepeatable?: boolean
  /** Hears of each response that was lost, in place of what all requests tell. */
  onRetry?: () => void
}

export interface ApiAnswer {
  /** Parsed JSON; null where there is no content. */
  body: unknown
  etag: string | null
}

export interface Page {
  items: Item[]
  next_cursor: string | null
}

/** A JSON object of the admin API. */
export type Item = Readonly<Record<string, unknown>>

interface AdminApiOptions {
  account: Pick<Account, 'server' | 'accessToken' | 'renew'>
  /** Hears that a response was lost and is asked for again. */
  onRetry: () => void
  /** Asks for the operator's own password if an operation needs a confirmation. */
  askPassword: () => Promise<string>
}

const TIMEOUT_MS = 30_000
const LARGEST_PAGE = 100

/** Puts values into a path: `at('/users/{}', id)`. */
export function at(path: string, ...values: string[]): string {
  const rest = [...values]
  return path.replaceAll('{}', () => encodeURIComponent(rest.shift() ?? ''))
}

/** The admin API of one server, as whoever is signed in there. */
export class AdminApi {
  readonly #account: AdminApiOptions['account']
  readonly #onRetry: () => void
  readonly #askPassword: () => Promise<string>
  /** Kept while the command runs, because an import may take longer than a confirmation is valid. */
  #password: string | null = null
  #confirmation: string | null = null
  #confirming: Promise<void> | null = null

  constructor({ account, onRetry, askPassword }: AdminApiOptions) {
    this.#account = account
    this.#onRetry = onRetry
    this.#askPassword = askPassword
  }

  /**
   * Sends a request. If the server needs a confirmation of the operator's password, the method gets one and sends the request
   * again.
   *
   * @throws CliError where nobody is signed in; TokenRequestError where it is refused, or no response came
   */
  async ask(request: ApiRequest): Promise<ApiAnswer> {
    const sent = this.#confirmation
    try {
      return await this.#askPatiently(request)
    } catch (error) {
      const isNeeded = error instanceof ProblemError && error.problem.type.endsWith(':confirmation-required')
      if (!isNeeded) throw error
      // Of parallel requests, the first one gets the confirmation for all.
      if (this.#confirmation === sent) await this.#confirm()
      return this.#askPatiently(request)
    }
  }

  #confirm(): Promise<void> {
    this.#confirming ??= this.#requestConfirmation().finally(() => {
      this.#confirming = null
    })
    return this.#confirming
  }

  async #requestConfirmation(): Promise<void> {
    this.#password ??= await this.#askPassword()
    const body = { current_password: this.#password }
    const answer = await this.#askOnce({ operation: 'POST /me/confirm', body })
    this.#confirmation = String(asItem(answer.body).confirmation)
  }

  #askPatiently(request: ApiRequest): Promise<ApiAnswer> {
    const { operation, isRepeatable = operation.startsWith('GET '), onRetry = this.#onRetry } = request
    return isRepeatable ? persist(() => this.#askOnce(request), onRetry) : this.#askOnce(request)
  }

  /** One JSON object. @throws as `ask` */
  async read(request: ApiRequest): Promise<Item> {
    return Object(asItem((await this.ask(request)).body))
  }

  /**
   * A list, page after page. @throws as `ask`
   *
   * @param limit How many items at most; Infinity for all.
   */
  async list(request: ApiRequest, limit: number): Promise<Page> {
    const items: Item[] = []
    let cursor: string | null = null
    do {
      const wanted = Math.min(limit - items.length, LARGEST_PAGE)
      const query = { ...request.query, limit: wanted, cursor: cursor ?? undefined }
      const page: Item = await this.read({ ...request, query })
      items.push(...asItems(page.items))
      cursor = typeof page.next_cursor === 'string' ? page.next_cursor : null
    } while (cursor !== null && items.length < limit)
    return { items, next_cursor: cursor }
  }

  /** An access token that something has ended is renewed once. */
  async #askOnce(request: ApiRequest): Promise<ApiAnswer> {
    const token = await this.#account.accessToken()
    const response = await this.#send(request, token)
    if (response.status !== 401) return readAnswer(response, request)
    await response.body?.cancel()
    return readAnswer(await this.#send(request, await this.#account.renew(token)), request)
  }

  async #send({ operation, query = {}, body, etag }: ApiRequest, token: string): Promise<Response> {
    const [method = '', path = ''] = operation.split(' ')
    const given = Object.entries(query).filter(([, value]) => value !== undefined)
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]))
    const url = `${this.#account.server}/admin/api${path}${given.length === 0 ? '' : `?${search}`}`
    const headers = new Headers({ Authorization: `Bearer ${token}`, Accept: 'application/json' })
    if (body !== undefined) headers.set('Content-Type', 'application/json')
    if (etag !== undefined) headers.set('If-Match', etag)
    if (this.#confirmation !== null) headers.set('Sallyport-Confirmation', this.#confirmation)
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    return orUnreachable(operation, () => fetchStrictly(url, { method, headers, signal, ...content }))
  }
}

async function readAnswer(response: Response, { operation }: ApiRequest): Promise<ApiAnswer> {
  const text = await orUnreachable(operation, () => response.text())
  const body = parseJson(text)
  if (response.ok) {
    if (body === undefined) throw new TokenRequestError('unreachable', 'What answers there is no admin API.')
    return { body, etag: response.headers.get('ETag') }
  }
  const { status } = response
  const retryAfterSeconds = Number(response.headers.get('Retry-After')) || 0
  throw new ProblemError(decodeProblem(body, status), { status, retryAfterSeconds })
}

async function orUnreachable<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const doubt = operation.startsWith('GET ') ? '' : 'Look whether it was done before you repeat it.'
    throw new TokenRequestError('unreachable', doubt, { cause })
  }
}

function parseJson(text: string): unknown {
  if (text === '') return null
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

export function asItem(value: unknown): Item {
  return Object(value)
}

export function asItems(value: unknown): Item[] {
  return Array.isArray(value) ? value.map(asItem) : []
}

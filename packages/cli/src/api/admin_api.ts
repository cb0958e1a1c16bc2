import { persist, TokenRequestError } from '../../../client/src/token_endpoint.ts'
import { type Account, fetchStrictly } from './account.ts'
import { decodeProblem, ProblemError } from './problem.ts'
import type { Responses } from './schemas.ts'

declare const response: unique symbol

/** The method and path of a request. Its type carries the type of the response body. */
export type Operation<R> = string & { readonly [response]?: R }

/** The operations that return a list, page by page. */
type ListOperation = {
  [O in keyof Responses]: Responses[O] extends Page<unknown> ? O : never
}[keyof Responses]
type ItemOf<O extends ListOperation> = Responses[O]['items'][number]

/** A request to the admin API. */
export interface ApiRequest {
  /** The method and the path below /admin/api, such as `GET /clients`. `at` puts values into a path. */
  operation: string
  query?: Record<string, string | number | boolean | undefined>
  body?: object
  /** For If-Match. */
  etag?: string
  /** Whether the API retries the request after a lost response. A GET request is always retried. */
  isRepeatable?: boolean
  /** Called before each retry, in place of the `onRetry` of the API. */
  onRetry?: () => void
}

export interface ApiResponse {
  /** Parsed JSON; null where there is no content. */
  body: unknown
  etag: string | null
}

export interface Page<T = Item> {
  items: readonly T[]
  next_cursor: string | null
}

/** A JSON object of the admin API with members of unknown types. */
export type Item = Readonly<Record<string, unknown>>

interface AdminApiOptions {
  account: Pick<Account, 'server' | 'accessToken' | 'renew'>
  /** Called before each retry. */
  onRetry: () => void
  /** Asks for the operator's own password if an operation needs a confirmation. */
  askPassword: () => Promise<string>
}

const TIMEOUT_MS = 30_000
const LARGEST_PAGE = 100

/** Puts encoded values into a path: `at('/users/{}', id)`. */
export function at(path: string, ...values: string[]): string {
  const rest = [...values]
  return path.replaceAll('{}', () => encodeURIComponent(rest.shift() ?? ''))
}

/** The admin API of one server, called with the tokens of the signed-in operator. */
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
   * @throws CliError if no operator is signed in; TokenRequestError if the server refuses the request or sends no response
   */
  async ask(request: ApiRequest): Promise<ApiResponse> {
    const sent = this.#confirmation
    try {
      return await this.#askPatiently(request)
    } catch (error) {
      const isNeeded = error instanceof ProblemError && error.problem.type.endsWith(':confirmation-required')
      if (!isNeeded) throw error
      // The first of several parallel requests gets the confirmation for all of them.
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
    const { body: confirmed } = await this.#askOnce({ operation: 'POST /me/confirm', body })
    this.#confirmation = String(asItem(confirmed).confirmation)
  }

  #askPatiently(request: ApiRequest): Promise<ApiResponse> {
    const { operation, isRepeatable = operation.startsWith('GET '), onRetry = this.#onRetry } = request
    return isRepeatable ? persist(() => this.#askOnce(request), onRetry) : this.#askOnce(request)
  }

  /** Sends a request and returns the JSON object of the response. @throws as `ask` */
  read<O extends keyof Responses>(request: ApiRequest & { operation: O }): Promise<Responses[O]>
  read<R>(request: ApiRequest & { operation: Operation<R> }): Promise<R>
  read(request: ApiRequest): Promise<Item>
  async read(request: ApiRequest): Promise<unknown> {
    return asItem((await this.ask(request)).body)
  }

  /**
   * Reads a list, page by page. @throws as `ask`
   *
   * @param limit The maximum number of items; Infinity for all.
   */
  list<O extends ListOperation>(
    request: ApiRequest & { operation: O },
    limit: number,
  ): Promise<Page<ItemOf<O>>>
  async list(request: ApiRequest, limit: number): Promise<Page<unknown>> {
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

  /** Sends a request. After a 401 it refreshes the access token once and sends the request again. */
  async #askOnce(request: ApiRequest): Promise<ApiResponse> {
    const token = await this.#account.accessToken()
    const response = await this.#send(request, token)
    if (response.status !== 401) return readResponse(response, request)
    await response.body?.cancel()
    return readResponse(await this.#send(request, await this.#account.renew(token)), request)
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

async function readResponse(response: Response, { operation }: ApiRequest): Promise<ApiResponse> {
  const text = await orUnreachable(operation, () => response.text())
  const body = parseJson(text)
  if (response.ok) {
    if (body === undefined)
      throw new TokenRequestError('unreachable', 'The response is not from an admin API.')
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
    const doubt = operation.startsWith('GET ')
      ? ''
      : 'Your change may or may not have been saved. Check before you repeat it.'
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

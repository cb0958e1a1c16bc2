import { persist, TokenRequestError } from '@sallyport/client/token_endpoint'
import { CliError } from '../core/exit_code.ts'
import { type Account, fetchStrictly } from './account.ts'
import { decodeProblem, ProblemError } from './problem.ts'
import { ADMIN_OPERATIONS, type Bodies, type Responses } from './schemas.ts'

/** The method and path of an operation, as in the OpenAPI document: `GET /users/{id}`. */
export type Operation = keyof Responses

/** The names of the placeholders in a path. */
type Placeholder<O extends string> = O extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholder<Rest>
  : never

/** The values for the placeholders of an operation. */
type PathOf<O extends Operation> = [Placeholder<O>] extends [never]
  ? unknown
  : { path: Record<Placeholder<O>, string> }
type BodyOf<O extends Operation> = O extends keyof Bodies ? { body: Bodies[O] } : { body?: never }

/** A request to the admin API, with the path values and the body that its operation needs. */
export type ApiRequest<O extends Operation = Operation> = RequestParts & { operation: O } & PathOf<O> &
  BodyOf<O>

interface RequestParts {
  operation: Operation
  path?: Readonly<Record<string, string>>
  query?: Record<string, string | number | boolean | undefined>
  body?: object
  /** For If-Match. */
  etag?: string
  /** For Idempotency-Key. The API then retries the request after a lost response. */
  idempotencyKey?: string
  /** Whether the API retries the request after a lost response. A GET request is always retried. */
  isRepeatable?: boolean
  /** Called before each retry, in place of the `onRetry` of the API. */
  onRetry?: () => void
}

export interface ApiResponse<T> {
  /** The JSON of the response; null where there is no content. */
  body: T
  etag: string | null
}

export interface Page<T = Item> {
  items: readonly T[]
  next_cursor: string | null
  /** The list lacks archived events before this time, in Unix seconds. Absent or null: it lacks none. */
  archived_before?: number | null
}

/** The operations that return a list, page by page. */
export type ListOperation = {
  [O in Operation]: Responses[O] extends Page<unknown> ? O : never
}[Operation]
export interface ListRequest<O extends ListOperation> {
  operation: O
  query?: RequestParts['query']
}
type ItemOf<O extends ListOperation> = Responses[O]['items'][number]

/** A JSON object of the admin API with members of unknown types. */
export type Item = Readonly<Record<string, unknown>>

interface AdminApiOptions {
  account: Pick<Account, 'server' | 'clientId' | 'isOperator' | 'accessToken' | 'renew'>
  /** Called before each retry. */
  onRetry: () => void
  /** Asks for the operator's own password if an operation needs a confirmation. */
  askPassword: () => Promise<string>
}

const TIMEOUT_MS = 30_000
const LARGEST_PAGE = 100

/** The admin API of one server, called with the tokens of the signed-in operator or of a service account. */
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

  /** The URL at which clients request tokens. */
  get tokenUrl(): string {
    return `${this.#account.server}/oauth2-token`
  }

  /** The client of the tokens. */
  get clientId(): string {
    return this.#account.clientId
  }

  /**
   * Sends a request. If the server needs a confirmation of the operator's password, the method gets one and sends the request
   * again.
   *
   * @throws CliError if no operator is signed in; TokenRequestError if the server refuses the request or sends no response
   */
  async ask<O extends Operation>(request: ApiRequest<O>): Promise<ApiResponse<Responses[O]>> {
    // The OpenAPI document of the same server gives the type.
    return (await this.#askConfirmed(request)) as ApiResponse<Responses[O]>
  }

  async #askConfirmed(request: RequestParts): Promise<ApiResponse<unknown>> {
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
    const request: ApiRequest<'POST /me/confirm'> = {
      operation: 'POST /me/confirm',
      body: { current_password: this.#password },
    }
    const { body: confirmed } = await this.#askOnce(request)
    this.#confirmation = String(asItem(confirmed).confirmation)
  }

  #askPatiently(request: RequestParts): Promise<ApiResponse<unknown>> {
    const { operation, idempotencyKey, onRetry = this.#onRetry } = request
    const { isRepeatable = operation.startsWith('GET ') || idempotencyKey !== undefined } = request
    return isRepeatable ? persist(() => this.#askOnce(request), onRetry) : this.#askOnce(request)
  }

  /** Sends a request and returns the body of the response. @throws as `ask` */
  async read<O extends Operation>(request: ApiRequest<O>): Promise<Responses[O]> {
    return (await this.ask(request)).body
  }

  /**
   * Reads a list, page by page. @throws as `ask`
   *
   * @param limit The maximum number of items; Infinity for all.
   */
  async list<O extends ListOperation>(request: ListRequest<O>, limit: number): Promise<Page<ItemOf<O>>> {
    const items: ItemOf<O>[] = []
    let cursor: string | null = null
    let archived: number | null = null
    do {
      const wanted = Math.min(limit - items.length, LARGEST_PAGE)
      const query = { ...request.query, limit: wanted, cursor: cursor ?? undefined }
      const { body } = await this.#askConfirmed({ ...request, query })
      const page = body as Page<ItemOf<O>>
      items.push(...page.items)
      cursor = page.next_cursor
      archived = page.archived_before ?? null
    } while (cursor !== null && items.length < limit)
    return { items, next_cursor: cursor, ...(archived !== null && { archived_before: archived }) }
  }

  /**
   * Checks the role of the operator, before a command asks for a confirmation or a password. A service account has scopes.
   *
   * @throws CliError
   */
  async requireRole(operation: Operation): Promise<void> {
    if (!this.#account.isOperator || !ADMIN_OPERATIONS.includes(operation)) return
    const { roles } = await this.read({ operation: 'GET /me' })
    if (!roles.includes('admin')) throw new CliError('failed', 'The command needs the role admin.')
  }

  /** Sends a request. After a 401 it refreshes the access token once and sends the request again. */
  async #askOnce(request: RequestParts): Promise<ApiResponse<unknown>> {
    const token = await this.#account.accessToken()
    const response = await this.#send(request, token)
    if (response.status !== 401) return readResponse(response, request)
    await response.body?.cancel()
    return readResponse(await this.#send(request, await this.#account.renew(token)), request)
  }

  async #send(request: RequestParts, token: string): Promise<Response> {
    const { operation, path: values = {}, query = {}, body, etag, idempotencyKey } = request
    const [method = '', template = ''] = operation.split(' ')
    const path = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(values[name] ?? ''))
    const given = Object.entries(query).filter(([, value]) => value !== undefined)
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]))
    const url = `${this.#account.server}/admin/api${path}${given.length === 0 ? '' : `?${search}`}`
    const headers = new Headers({ Authorization: `Bearer ${token}`, Accept: 'application/json' })
    if (body !== undefined) headers.set('Content-Type', 'application/json')
    if (etag !== undefined) headers.set('If-Match', etag)
    if (idempotencyKey !== undefined) headers.set('Idempotency-Key', `"${idempotencyKey}"`)
    if (this.#confirmation !== null) headers.set('Sallyport-Confirmation', this.#confirmation)
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    return orUnreachable(operation, () => fetchStrictly(url, { method, headers, signal, ...content }))
  }
}

async function readResponse(response: Response, { operation }: RequestParts): Promise<ApiResponse<unknown>> {
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

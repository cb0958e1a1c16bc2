import type { Context } from 'hono'
import type { ZodMiniType } from 'zod/mini'
import { ADMIN_PATH } from '../admin/admin_path.ts'
import { CONFIRMATION_HEADER } from '../admin/confirmation.ts'
import { IDEMPOTENCY_HEADER } from '../admin/idempotency.ts'
import { confirmationSchema } from '../admin/me.ts'
import { compact } from '../lib/compact.ts'
import { AdminProblem, CONFIRM_PATH } from './admin_problem.ts'
import { callServer, type Server } from './server.ts'

export type Query = Readonly<Record<string, string | number | null | undefined>>

interface Change {
  /** GET for a read that needs a confirmation. */
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  body?: object
  /** The ETag of the record when the form was loaded; absent if any version is accepted. */
  etag?: string
  /** The operator's own password, for a change that needs a confirmation; absent or empty if the operator typed none. */
  ownPassword?: string
  /** The Idempotency-Key of a form that creates a record or a secret; absent or empty for any other form. */
  idempotencyKey?: string
}

/** A value, and the ETag of its version. */
export interface Versioned<T> {
  value: T
  etag: string
}

/** Calls the admin API with an operator's token. The API checks permissions and values, and records audit events. */
export class AdminClient {
  readonly #server: Server
  readonly #c: Context
  readonly #base: string
  readonly #accessToken: string
  #confirmation: string | null = null

  constructor(server: Server, c: Context, { issuer, accessToken }: { issuer: string; accessToken: string }) {
    this.#server = server
    this.#c = c
    this.#base = issuer + ADMIN_PATH
    this.#accessToken = accessToken
  }

  /** @throws AdminProblem */
  async read<T>(path: string, schema: ZodMiniType<T>, query: Query = {}): Promise<T> {
    return (await this.readVersioned(path, schema, query)).value
  }

  /** @throws AdminProblem */
  async readVersioned<T>(path: string, schema: ZodMiniType<T>, query: Query = {}): Promise<Versioned<T>> {
    const response = await this.#fetch(path + formatQuery(query), { method: 'GET' })
    const body: unknown = await response.json()
    if (!response.ok) throw new AdminProblem(path, response, body)
    return { value: schema.parse(body), etag: response.headers.get('ETag') ?? '' }
  }

  /**
   * Sends a change and returns its result or its refusal, so that the form can show the refusal. The exception is a 401, which
   * means that the session has ended.
   *
   * @throws AdminProblem 401
   */
  async change<T>(path: string, schema: ZodMiniType<T>, change: Change = {}): Promise<T | AdminProblem> {
    const { method = 'POST', body, etag, ownPassword = '', idempotencyKey = '' } = change
    const refusal = ownPassword === '' ? null : await this.#confirm(ownPassword)
    if (refusal !== null) return refusal
    const response = await this.#fetch(
      path,
      compact({
        method,
        headers: compact({
          'Content-Type': body === undefined ? undefined : 'application/json',
          'If-Match': etag,
          [IDEMPOTENCY_HEADER]: idempotencyKey === '' ? undefined : `"${idempotencyKey}"`,
        }),
        body: body === undefined ? undefined : JSON.stringify(body),
      }),
    )
    const content: unknown = response.status === 204 ? undefined : await response.json()
    if (response.ok) return schema.parse(content)
    const problem = new AdminProblem(path, response, content)
    if (problem.status === 401) throw problem
    return problem
  }

  /** Requests a confirmation of the password for the next changes. @returns the refusal; null after a success */
  async #confirm(password: string): Promise<AdminProblem | null> {
    const body = { current_password: password }
    const outcome = await this.change(CONFIRM_PATH, confirmationSchema, { body })
    if (outcome instanceof AdminProblem) return outcome
    this.#confirmation = outcome.confirmation
    return null
  }

  #fetch(path: string, { headers, ...init }: RequestInit & { headers?: Record<string, string> }) {
    const confirmation = this.#confirmation === null ? {} : { [CONFIRMATION_HEADER]: this.#confirmation }
    const authorization = { Authorization: `Bearer ${this.#accessToken}` }
    return callServer(this.#server, this.#c, this.#base + path, {
      ...init,
      headers: { ...headers, ...confirmation, ...authorization },
    })
  }
}

/** A path of the admin API or the console. The values in it are percent-encoded. */
export function pathOf(parts: TemplateStringsArray, ...values: readonly string[]): string {
  return parts.map((part, i) => part + encodeURIComponent(values[i] ?? '')).join('')
}

/** Omits empty and absent parameters. */
export function formatQuery(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === null || value === '' ? [] : [[name, String(value)]],
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

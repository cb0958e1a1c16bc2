import { Pool } from 'undici'

export interface HttpRequest {
  method: 'GET' | 'POST' | 'OPTIONS'
  path: string
  headers: Record<string, string>
  body: string
}

export interface HttpAnswer {
  status: number
  body: string
  headers: ResponseHeaders
}

/** The values by the lower-case name. Each `set-cookie` is one value. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Sends a request. */
export type Send = (request: HttpRequest) => Promise<HttpAnswer>

/** Creates a sender with keep-alive connections, one for each request in flight. */
export function sender(origin: string): Send & { close(): Promise<void> } {
  const pool = new Pool(origin, { pipelining: 1 })

  async function send({ method, path, headers, body }: HttpRequest): Promise<HttpAnswer> {
    const response = await pool.request({ method, path, headers, ...(body === '' ? {} : { body }) })
    return { status: response.statusCode, body: await response.body.text(), headers: response.headers }
  }

  return Object.assign(send, { close: () => pool.close() })
}

/** Returns the body of a 200. @throws Error for any other status */
export async function require200(send: Send, request: HttpRequest): Promise<string> {
  const { status, body } = await send(request)
  if (status === 200) return body
  throw new Error(`${request.method} ${request.path} returned ${status}: ${body}`)
}

export function get(path: string, headers: Record<string, string> = {}): HttpRequest {
  return { method: 'GET', path, headers, body: '' }
}

export function post(path: string, parameters: Record<string, string>): HttpRequest {
  const body = new URLSearchParams(parameters).toString()
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  return { method: 'POST', path, headers, body }
}

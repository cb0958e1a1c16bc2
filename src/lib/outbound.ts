import { findOutboundUrlProblem } from './outbound_url.ts'
import { parseJson } from './parse_json.ts'
import { readText } from './read_text.ts'
import { hasRepeatedKey } from './repeated_key.ts'

/**
 * Why a document could not be fetched. `url`: the server does not request such a URL. `connection`: no response. `timeout`: no
 * whole response in time. `redirect`, `status`: the status is not 200. `size`: too long. `content`: not the expected JSON object.
 */
export type FetchProblem = 'url' | 'connection' | 'timeout' | 'redirect' | 'status' | 'size' | 'content'

/** A document could not be fetched. The message is for the log and has no text of the other server. */
export class FetchFailed extends Error {
  override name = 'FetchFailed'
  readonly problem: FetchProblem
  /** The status of the response, if it is not 200; null for another problem. */
  readonly status: number | null

  constructor(problem: FetchProblem, detail: string, status: number | null = null) {
    super(`${problem}: ${detail}`)
    this.problem = problem
    this.status = status
  }

  /** Whether the other server has an outage. With any other problem, its owner may have changed or removed the document. */
  get isOutage(): boolean {
    if (this.problem === 'connection' || this.problem === 'timeout') return true
    return this.status !== null && (this.status >= 500 || this.status === 408 || this.status === 429)
  }
}

export interface FetchLimits {
  maxBytes: number
  timeoutMs: number
}

/** A fetched JSON object. It is not checked further. */
export interface FetchedObject {
  object: object
  headers: Headers
}

/** Fetches JSON documents from URLs that strangers can choose. It follows no redirect, and it sends no credentials. */
export class Outbound {
  readonly #allowsLoopback: boolean

  /** @param options.allowsLoopback As for `findOutboundUrlProblem`: false for every issuer except a loopback address. */
  constructor({ allowsLoopback }: { allowsLoopback: boolean }) {
    this.#allowsLoopback = allowsLoopback
  }

  /** Finds the problem of a URL; null for a URL that the server can request. */
  findProblem(url: string): string | null {
    return findOutboundUrlProblem(url, { allowsLoopback: this.#allowsLoopback })
  }

  /** Fetches a JSON object with one request. The limit of time includes the body. @throws FetchFailed */
  async fetchObject(url: string, { maxBytes, timeoutMs }: FetchLimits): Promise<FetchedObject> {
    const problem = this.findProblem(url)
    if (problem !== null) throw new FetchFailed('url', problem)
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const { body, headers } = await request(url, signal)
      return { object: parseObject(await readText(body, { signal, maxBytes })), headers }
    } catch (error) {
      if (error instanceof FetchFailed) throw error
      throw signal.aborted
        ? new FetchFailed('timeout', `no response in ${timeoutMs} ms`)
        : new FetchFailed('connection', 'no response')
    }
  }
}

/** @throws FetchFailed for every status except 200 */
async function request(url: string, signal: AbortSignal): Promise<Response> {
  const headers = { Accept: 'application/json', 'User-Agent': 'sallyport' }
  const response = await fetch(url, { headers, redirect: 'manual', cache: 'no-store', signal })
  const { status } = response
  if (status === 200) return response
  await response.body?.cancel()
  throw new FetchFailed(status >= 300 && status < 400 ? 'redirect' : 'status', `status ${status}`, status)
}

/** @param text Null for a text over the limit. @throws FetchFailed */
function parseObject(text: string | null): object {
  if (text === null) throw new FetchFailed('size', 'the document is too long')
  const value = parseJson(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FetchFailed('content', 'not a JSON object')
  if (hasRepeatedKey(text)) throw new FetchFailed('content', 'a member is repeated')
  return value
}

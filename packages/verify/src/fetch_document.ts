interface DocumentRequest {
  headers?: Record<string, string>
  /** Absent: GET. */
  method?: 'POST'
  body?: string
}

interface FetchInit extends DocumentRequest {
  headers: Record<string, string>
  signal: AbortSignal
  redirect?: 'manual'
}

/** Fetches a document. Tests replace it, and so do Workers that reach the issuer by a service binding. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>

/** After this time without a response the issuer counts as unreachable. */
const TIMEOUT_MS = 5000

/** A response that is neither a success nor a 304. */
export class UnexpectedStatus extends Error {
  override name = 'UnexpectedStatus'
  readonly status: number

  constructor(url: string, status: number) {
    super(`${url} returned status ${status}`)
    this.status = status
  }
}

/**
 * Fetches a document.
 *
 * @throws UnexpectedStatus unless the status is 2xx or 304. A redirect is refused, because it can lead to another origin.
 */
export async function fetchDocument(
  fetch: Fetch,
  url: string,
  { headers = {}, ...request }: DocumentRequest = {},
): Promise<Response> {
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(url, { ...request, headers, signal, redirect: 'manual' })
  if (!response.ok && response.status !== 304) throw new UnexpectedStatus(url, response.status)
  return response
}

/**
 * Reads the body of a response as text. Reading stops at the limit, which bounds the memory.
 *
 * @param limit `name` is the name of the document in the error, with the option that sets the limit.
 * @throws Error if the body is larger
 */
export async function readText(
  response: Response,
  limit: { maxBytes: number; name: string },
): Promise<string> {
  const tooLarge = new Error(`${limit.name} is larger than ${limit.maxBytes} bytes`)
  if (Number(response.headers.get('Content-Length')) > limit.maxBytes) {
    await response.body?.cancel()
    throw tooLarge
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> | undefined = response.body?.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined }
    if (done) return text + decoder.decode()
    bytes += value.byteLength
    if (bytes > limit.maxBytes) {
      await reader?.cancel()
      throw tooLarge
    }
    text += decoder.decode(value, { stream: true })
  }
}

import { onTestFinished, vi } from 'vitest'

type Responder = (request: Request) => Response | Promise<Response>

/** The servers outside that the Worker requests, by URL. A URL without a responder gives no connection. */
export class RemoteDocuments {
  /** The requested URLs, in order. */
  readonly requests: string[] = []
  readonly #responders = new Map<string, Responder>()

  /** Replaces the global `fetch` until the test is finished. */
  static start(): RemoteDocuments {
    const documents = RemoteDocuments.open()
    onTestFinished(() => documents.close())
    return documents
  }

  /** Replaces the global `fetch` until `close`. */
  static open(): RemoteDocuments {
    const documents = new RemoteDocuments()
    vi.stubGlobal('fetch', (url: string, init?: RequestInit) => documents.#respond(new Request(url, init)))
    return documents
  }

  close(): void {
    vi.unstubAllGlobals()
  }

  set(url: string, responder: Responder): void {
    this.#responders.set(url, responder)
  }

  setJson(url: string, value: unknown, headers: Record<string, string> = {}): void {
    this.set(url, () => Response.json(value, { headers }))
  }

  async #respond(request: Request): Promise<Response> {
    this.requests.push(request.url)
    const responder = this.#responders.get(request.url)
    if (responder === undefined) throw new TypeError('no such host')
    return responder(request)
  }
}

/** A server that accepts the connection and sends no response. */
export function hang({ signal }: Request): Promise<Response> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const RESPONSE_WITHIN_MS = 30_000
const WAKE_EVERY_MS = 100

/** The heap of an isolate, read through the Chrome DevTools Protocol. */
export class HeapInspector {
  readonly #socket: WebSocket
  readonly #sendRequest: () => Promise<unknown>
  #lastId = 0

  private constructor(socket: WebSocket, sendRequest: () => Promise<unknown>) {
    this.#socket = socket
    this.#sendRequest = sendRequest
  }

  /** @param sendRequest Sends a cheap request to the isolate */
  static async open(inspector: URL, sendRequest: () => Promise<unknown>): Promise<HeapInspector> {
    const list = await fetch(new URL('/json', `http://${inspector.host}`))
    const [target] = (await list.json()) as { webSocketDebuggerUrl: string }[]
    const socket = new WebSocket(String(target?.webSocketDebuggerUrl))
    await once(socket, 'open')
    return new HeapInspector(socket, sendRequest)
  }

  /** Used heap after a garbage collection, in MiB. */
  async usedMib(): Promise<number> {
    await this.#call('HeapProfiler.enable')
    await this.#collectGarbage()
    const { usedSize } = (await this.#call('Runtime.getHeapUsage')) as { usedSize: number }
    return usedSize / 1024 ** 2
  }

  close(): void {
    this.#socket.close()
  }

  /** Collects garbage. V8 queues the collection, and workerd runs the queue at a request, so requests follow until it is done. */
  async #collectGarbage(): Promise<void> {
    let isDone = false
    const collected = this.#call('HeapProfiler.collectGarbage').then(() => {
      isDone = true
    })
    while (!isDone) {
      await Promise.race([collected, sleep(WAKE_EVERY_MS)])
      if (!isDone) await this.#sendRequest()
    }
  }

  /** @throws Error if the isolate gives no response within RESPONSE_WITHIN_MS */
  #call(method: string): Promise<unknown> {
    const id = ++this.#lastId
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const timer = setTimeout(() => reject(new Error(`${method} got no response`)), RESPONSE_WITHIN_MS)
    const listen = ({ data }: MessageEvent) => {
      const message = JSON.parse(data)
      if (message.id === id) resolve(message.result)
    }
    this.#socket.addEventListener('message', listen)
    this.#socket.send(JSON.stringify({ id, method }))
    return promise.finally(() => {
      clearTimeout(timer)
      this.#socket.removeEventListener('message', listen)
    })
  }
}

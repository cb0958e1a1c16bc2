import { once } from 'node:events'

/** The heap of an isolate, read through the Chrome DevTools Protocol. */
export class HeapInspector {
  readonly #socket: WebSocket
  #lastId = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
  }

  static async open(inspector: URL): Promise<HeapInspector> {
    const list = await fetch(new URL('/json', `http://${inspector.host}`))
    const [target] = (await list.json()) as { webSocketDebuggerUrl: string }[]
    const socket = new WebSocket(String(target?.webSocketDebuggerUrl))
    await once(socket, 'open')
    return new HeapInspector(socket)
  }

  /** Used heap after a garbage collection, in MiB. */
  async usedMib(): Promise<number> {
    await this.#call('HeapProfiler.enable')
    await this.#call('HeapProfiler.collectGarbage')
    const { usedSize } = (await this.#call('Runtime.getHeapUsage')) as { usedSize: number }
    return usedSize / 1024 ** 2
  }

  close(): void {
    this.#socket.close()
  }

  #call(method: string): Promise<unknown> {
    const id = ++this.#lastId
    return new Promise((resolve) => {
      const listen = ({ data }: MessageEvent) => {
        const message = JSON.parse(data)
        if (message.id !== id) return
        this.#socket.removeEventListener('message', listen)
        resolve(message.result)
      }
      this.#socket.addEventListener('message', listen)
      this.#socket.send(JSON.stringify({ id, method }))
    })
  }
}

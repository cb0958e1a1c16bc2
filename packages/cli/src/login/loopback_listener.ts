import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { closingPage, PAGE_HEADERS } from './closing_page.ts'

const HOST = '127.0.0.1'
const PATH = '/callback'

/** Waits on this machine for the response of a sign-in. Other programs of the machine can call it too. */
export class LoopbackListener {
  readonly #server: Server
  readonly redirectUri: string

  private constructor(server: Server, port: number) {
    this.#server = server
    this.redirectUri = `http://${HOST}:${port}${PATH}`
  }

  /** Listens on a free port of 127.0.0.1. */
  static async open(): Promise<LoopbackListener> {
    const server = createServer().listen(0, HOST)
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the listener has no port')
    return new LoopbackListener(server, address.port)
  }

  /**
   * Waits for the response with that `state`. Every other request gets 404 or 400, so that it cannot end the sign-in.
   *
   * @param use Handles the parameters of the response. Then the browser gets the page of its success or failure.
   */
  receive(state: string, use: (parameters: URLSearchParams) => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      let isUsed = false
      this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
        const [pathname, query] = splitTarget(request)
        if (request.method !== 'GET' || pathname !== PATH) return show(response, 404, NOT_FOUND)
        const parameters = new URLSearchParams(query)
        if (isUsed || parameters.get('state') !== state) return show(response, 400, UNKNOWN_ATTEMPT)
        isUsed = true
        use(parameters).then(
          () => show(response, 200, SIGNED_IN, resolve),
          (error) => show(response, 400, NOT_SIGNED_IN, () => reject(error)),
        )
      })
    })
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

/** The words of a page. */
interface Words {
  title: string
  text: string
}

const NOT_FOUND = { title: 'Not found', text: 'This URL is only for the sign-in of the command line.' }
const UNKNOWN_ATTEMPT = {
  title: 'This sign-in is unknown',
  text: 'Run sallyport login again, and use the page that it opens.',
}
const SIGNED_IN = {
  title: 'You are signed in',
  text: 'You can close this window and return to the command line.',
}
const NOT_SIGNED_IN = {
  title: 'You are not signed in',
  text: 'You can close this window. The command line shows the reason.',
}

/** The path and the query of a request. A target such as `//` is no URL. */
function splitTarget({ url = '' }: IncomingMessage): readonly [path: string, query: string] {
  const [path = '', ...query] = url.split('?')
  return [path, query.join('?')]
}

/** @param done Called after the browser has the page. */
function show(response: ServerResponse, status: number, words: Words, done = () => {}): void {
  response.writeHead(status, { ...PAGE_HEADERS, Connection: 'close' })
  response.end(closingPage(words.title, words.text), done)
}

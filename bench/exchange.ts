import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'

export interface HttpRequest {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body: string
}

/** Sends a request and gives the body of its answer. @throws Error where the answer is not 200 */
export type Send = (request: HttpRequest) => Promise<string>

/** A sender over connections that are kept, one for each request that is under way. */
export function sender(origin: string): Send & { close(): void } {
  const agent = new Agent({ keepAlive: true })
  const url = new URL(origin)

  function send({ method, path, headers, body }: HttpRequest): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { agent, host: url.hostname, port: url.port, method, path, headers }
      const outgoing = request(options, (answer) => {
        text(answer).then((answerBody) => {
          if (answer.statusCode === 200) resolve(answerBody)
          else reject(new Error(`${method} ${path} was answered with ${answer.statusCode}: ${answerBody}`))
        }, reject)
      })
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  return Object.assign(send, { close: () => agent.destroy() })
}

export function get(path: string): HttpRequest {
  return { method: 'GET', path, headers: {}, body: '' }
}

export function post(path: string, parameters: Record<string, string>): HttpRequest {
  const body = new URLSearchParams(parameters).toString()
  const headers = {
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': String(body.length),
  }
  return { method: 'POST', path, headers, body }
}

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RangeServer } from './range_server.ts'

/** A breach service on a loopback address, for tests in Node. */
export interface HttpRangeServer {
  /** The value of `range_url`. */
  url: string
  close(): void
}

export async function listen(ranges: RangeServer): Promise<HttpRangeServer> {
  const server = createServer((incoming, outgoing) => void answer(ranges, incoming, outgoing))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}/range/`, close }
}

async function answer(ranges: RangeServer, incoming: IncomingMessage, outgoing: ServerResponse) {
  const padding = String(incoming.headers['add-padding'] ?? '')
  const request = new Request(`http://127.0.0.1${incoming.url}`, { headers: { 'Add-Padding': padding } })
  const response = await ranges.answer(request)
  outgoing.writeHead(response.status).end(await response.text())
}

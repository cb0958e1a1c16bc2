import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

const ADDRESS = '127.0.0.1'

/**
 * Reserves a free port of this machine for a server that starts later: the system gives it to no other process for a minute.
 *
 * The server side of a connection closes first, so the port stays in TIME-WAIT (RFC 9293, section 3.3.2). A port in this
 * state is not free for a process that asks for any port, and a server can listen at it with SO_REUSEADDR.
 */
export async function reservePort(): Promise<number> {
  const server = createServer().listen(0, ADDRESS)
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const caller = connect({ port, host: ADDRESS, allowHalfOpen: true }).resume()
  const [connection] = await accepted
  connection.resume().end()
  await once(caller, 'end')
  caller.end()
  await once(connection, 'close')
  server.close()
  await once(server, 'close')
  return port
}

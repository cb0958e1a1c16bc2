import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { reservePort } from '../../scripts/free_port.ts'

const CONNECTIONS = '/proc/net/tcp'
const TIME_WAIT = '06'

/** The states of the sockets at a port of this machine. */
function statesOf(port: number): string[] {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync(CONNECTIONS, 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
  return rows.filter(([, address]) => address === local).map(([, , , state = '']) => state)
}

describe('a reserved port', () => {
  it('a server can listen at it', async () => {
    const server = createServer().listen(await reservePort(), '127.0.0.1')
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
  })

  it.skipIf(!existsSync(CONNECTIONS))('the system keeps it in TIME-WAIT', async () => {
    expect(statesOf(await reservePort())).toContain(TIME_WAIT)
  })

  it('parallel reservations get different ports', async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, reservePort))
    expect(new Set(ports).size).toBe(20)
  })
})

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const RUN_LIMITED = `
  import { untilReady } from './scripts/dev_server.ts'
  await untilReady(process.argv[1], 500)`

const NOT_READY = '{"signing_keys":"failed"}'

/** The exit code and standard error of a start that waits up to 0.5 s for a server. */
async function startWith(handle: RequestListener) {
  const server = createServer(handle).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/health/ready`
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', RUN_LIMITED, url])
  const ended = await run.then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  )
  server.closeAllConnections()
  server.close()
  return { ...ended, stderr: ended.stderr.replace(url, 'URL') }
}

it.each<[string, RequestListener, { code: number; stderr: string }]>([
  [
    'with the last response of a server that is not ready',
    (_request, response) => response.writeHead(503).end(NOT_READY),
    { code: 1, stderr: `URL was not ready within 0.5 s: ${NOT_READY}\n` },
  ],
  [
    'without a response of a server that hangs',
    () => {},
    { code: 1, stderr: 'URL was not ready within 0.5 s: no response\n' },
  ],
  ['not at all if the server is ready', (_request, response) => response.end('{}'), { code: 0, stderr: '' }],
])('a start ends after its limit: %s', async (_case, handle, expected) => {
  expect(await startWith(handle)).toEqual(expected)
})

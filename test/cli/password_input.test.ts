import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { Cli } from '../support/cli.ts'

/** Runs a command on a pseudo-terminal, types keys after its first prompt, and prints what the terminal shows. */
const TYPIST = `
import os, pty, sys
keys, command = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
shown = b''
while True:
    try:
        chunk = os.read(terminal, 1024)
    except OSError:
        break
    if not chunk:
        break
    shown += chunk
    if keys and b': ' in shown:
        os.write(terminal, keys.encode())
        keys = ''
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

let cli: Cli

beforeAll(async () => {
  cli = await Cli.build()
})

/** Types keys at the password prompt of `sallyport login`. The token endpoint refuses the password. */
async function typePassword(keys: string) {
  const passwords: (string | null)[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      passwords.push(new URLSearchParams(body).get('password'))
      response.writeHead(400, { 'Content-Type': 'application/json' }).end('{"error":"invalid_grant"}')
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const command = [process.execPath, cli.file, 'login', '--username', 'operator', '--server', origin]
  const child = spawn('python3', ['-c', TYPIST, keys, ...command], {
    env: { ...process.env, SALLYPORT_CONFIG_DIR: cli.configDirectory },
  })
  let shown = ''
  child.stdout.on('data', (chunk) => {
    shown += chunk
  })
  const [code] = await once(child, 'close')
  return { code, passwords, shown }
}

describe('the password prompt on a terminal', () => {
  it('the command sends the typed password and does not show it', async () => {
    const { code, passwords, shown } = await typePassword('ein Käse 山\r')
    expect(passwords).toEqual(['ein Käse 山'])
    expect(shown).not.toContain('Käse')
    expect(shown).toContain('Wrong username or password.')
    expect(code).toBe(1)
  })

  it.each([
    ['arrow keys move the cursor', 'ac\x1b[Db\x1b[C\x1b[Ad\r', 'abcd'],
    ['backspace removes a character', 'abx\x7fc\r', 'abc'],
    ['Ctrl+U removes the line', 'wrong\x15abc\r', 'abc'],
  ])('%s', async (_title, keys, password) => {
    expect((await typePassword(keys)).passwords).toEqual([password])
  })

  it('the command exits with code 130 after Ctrl+C and sends no request', async () => {
    const { code, passwords } = await typePassword('secret\x03')
    expect({ code, passwords }).toEqual({ code: 130, passwords: [] })
  })
})

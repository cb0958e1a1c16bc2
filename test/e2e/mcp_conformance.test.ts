import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reservePort } from '../../scripts/free_port.ts'
import { signInByForms } from '../../scripts/sign_in_by_forms.ts'
import { RealServers } from '../support/real_servers.ts'
import { CUSTOMER } from '../support/token_client.ts'

// The conformance suite of the Model Context Protocol plays the client of an AI agent. A person would open the address that it
// prints; here the test opens it.

const SUITE = 'node_modules/@modelcontextprotocol/conformance/dist/index.js'

let servers: RealServers

beforeAll(async () => {
  servers = await RealServers.start()
})

afterAll(() => servers.close())

/** Runs the suite. @returns its exit code and output */
async function runSuite(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const suite = spawn(process.execPath, [SUITE, 'authorization', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exit = new Promise<number | null>((resolve) => suite.once('close', resolve))
  let output = ''
  suite.stderr.on('data', (data) => {
    output += data
  })
  for await (const line of createInterface(suite.stdout)) {
    output += `${line}\n`
    if (line.startsWith(servers.service.config.issuer)) await fetch(await signInByForms(line, CUSTOMER))
  }
  return { code: await exit, output }
}

describe('the MCP conformance suite', () => {
  it('the metadata and the code flow conform to the authorization of MCP', async () => {
    const { issuer, apis } = servers.service.config
    const port = String(await reservePort())
    const client = ['--url', issuer, '--client-id', 'storefront-public', '--port', port]
    const resource = ['--resource', apis.get('storefront')?.audience ?? '']
    const { code, output } = await runSuite([...client, ...resource])
    expect(output).toContain('authorization-code-grant')
    expect(output).not.toMatch(/FAILURE|SKIPPED/)
    expect(code, output).toBe(0)
  })
})

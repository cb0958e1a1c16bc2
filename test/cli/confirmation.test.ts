import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AdminApi } from '../../packages/cli/src/api/admin_api.ts'

const REQUIRED = { type: 'urn:problem-type:sallyport:confirmation-required', title: 'Confirm', status: 403 }

/** A server whose confirmations are valid for one request. */
async function startServer() {
  const passwords: string[] = []
  let valid = 0
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const isConfirming = request.url === '/admin/api/me/confirm'
    const isConfirmed = request.headers['sallyport-confirmation'] === `c${valid}`
    if (isConfirming) passwords.push(JSON.parse(body).current_password)
    const answer = isConfirming ? { confirmation: `c${++valid}` } : isConfirmed ? { done: true } : REQUIRED
    if (isConfirmed) valid++
    response.writeHead(answer === REQUIRED ? 403 : 200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, passwords }
}

describe('a command that needs a confirmation', () => {
  it('a command prompts for the password once and confirms again after each expiry', async () => {
    const { origin, passwords } = await startServer()
    let asked = 0
    const askPassword = async () => {
      asked++
      return 'the password'
    }
    const token = async () => 'token'
    const account = { server: origin, clientId: 'cli', isOperator: true, accessToken: token, renew: token }
    const api = new AdminApi({ account, onRetry: () => {}, askPassword })
    for (let i = 0; i < 3; i++) {
      const answer = await api.ask({ operation: 'POST /users/import', body: { rows: [] } })
      expect(answer.body).toEqual({ done: true })
    }
    expect(asked).toBe(1)
    expect(passwords).toEqual(['the password', 'the password', 'the password'])
  })
})

import { createExecutionContext } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { requireEnvironment } from '../src/services/environment.ts'
import { TestServer } from './support/server.ts'

describe('the Worker', () => {
  it('the Worker serves the config.yml of the repository', async () => {
    const response = await exports.default.fetch(
      'http://localhost:8787/.well-known/oauth-authorization-server',
    )
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      issuer: expect.any(String),
      grant_types_supported: expect.any(Array),
    })
  })

  it('the Worker responds with JSON at every unknown path', async () => {
    for (const path of ['/favicon.ico', '/oauth2-token/', '/.well-known/', '/%00', '/health/../etc']) {
      const response = await exports.default.fetch(`http://localhost:8787${path}`)
      expect(response.status).toBe(404)
      expect(await response.json()).toEqual({
        error: 'invalid_request',
        error_description: 'There is no such endpoint.',
      })
    }
  })

  it.each([
    ['DB', 'the binding DB is missing: add it to wrangler.toml'],
    ['KV', 'the binding KV is missing: add it to wrangler.toml'],
    ['SEALING_KEY', 'the secret SEALING_KEY is missing or is not 32 bytes in base64url'],
  ])('the Worker names a binding or secret that is missing: %s', (name, message) => {
    const { config } = new TestServer()
    expect(() => requireEnvironment({ ...env, [name]: undefined }, config)).toThrow(message)
  })

  it('the log names all missing bindings and secrets together, and the response names none', async () => {
    const { config } = new TestServer()
    const messages = [/binding DB/, /binding KV/, /secret SEALING_KEY/]
    for (const message of messages) expect(() => requireEnvironment({}, config)).toThrow(message)
    vi.resetModules()
    const { default: worker } = await import('../src/worker.ts')
    const request = new Request('http://localhost:8787/health')
    const bare = { ...env, SEALING_KEY: 'too short' }
    const response = await worker.fetch(
      request as Parameters<typeof worker.fetch>[0],
      bare,
      createExecutionContext(),
    )
    expect([response.status, await response.json()]).toEqual([
      500,
      { error: 'server_error', error_description: 'The server met an unexpected condition.' },
    ])
    expect(response.headers.get('Content-Security-Policy')).toBe("default-src 'none'; frame-ancestors 'none'")
  })
})

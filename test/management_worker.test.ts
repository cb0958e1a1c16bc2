import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import ManagementWorker from '../src/management_worker.ts'
import { EnvironmentError } from '../src/services/environment.ts'
import { type ManagementSettings, managementSettingsOf } from '../src/services/management_binding.ts'

/** Requests the OpenAPI document, which has the issuer. */
async function readIssuer(settings: ManagementSettings): Promise<string> {
  const worker = new ManagementWorker(createExecutionContext(), env)
  const server = async () => new Response(null, { status: 500 })
  const request = new Request('http://localhost:8787/admin/api/openapi.json')
  const response = await worker.handle(request, { server, settings })
  const { servers } = await response.json<{ servers: { url: string }[] }>()
  return servers[0]?.url ?? ''
}

describe('the Worker of management', () => {
  it('the Worker of management uses the settings of each request', async () => {
    const settings = managementSettingsOf(env)
    expect(await readIssuer({ ...settings, LOCAL_PORT: '9001' })).toBe('http://localhost:9001/admin/api')
    expect(await readIssuer({ ...settings, LOCAL_PORT: '9002' })).toBe('http://localhost:9002/admin/api')
    expect(await readIssuer(settings)).toBe('http://localhost:8787/admin/api')
  })

  it('the Worker of management gets the secrets that it needs and no other one', () => {
    const secrets = { CHALLENGE_SECRET: 'challenge', MAIL_SECRET: 'mail', LOCAL_INBOX: 'true' }
    const needed = { SEALING_KEY: 'a', SEALING_KEY_NEXT: 'b', HASH_KEYS: '{}' }
    expect(managementSettingsOf({ ...secrets, ...needed })).toEqual(needed)
  })

  it('without a sealing key the Worker of management refuses each request', async () => {
    await expect(readIssuer({ SEALING_KEY: '' })).rejects.toThrow(EnvironmentError)
  })
})

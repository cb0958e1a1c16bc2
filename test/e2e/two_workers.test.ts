import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { writeManagementConfig } from '../../scripts/management_config.ts'
import type { Bundle } from '../../scripts/worker_bundle.ts'
import { startService, startWorker } from '../../scripts/worker_server.ts'
import { serviceBundle } from '../support/shared_builds.ts'

const PATHS = ['/console', '/admin/api/users', '/admin/api/openapi.json', '/account/customers']

let bundle: Bundle

beforeAll(async () => {
  bundle = await serviceBundle()
})

async function requestGuestToken(origin: string): Promise<number> {
  const body = new URLSearchParams({
    grant_type: 'password',
    client_id: 'storefront-public',
    username: 'guest',
    password: 'guest',
  })
  return (await fetch(`${origin}/oauth2-token`, { method: 'POST', body })).status
}

describe('the two Workers', () => {
  it('the Worker of management responds to no HTTP request of its own', async () => {
    if (bundle.management === null) throw new Error('the bundle has no Worker of management')
    const management = await startWorker(bundle.management, writeManagementConfig({ hasObjects: false }))
    onTestFinished(() => management.close())
    for (const path of [...PATHS, '/', '/health']) {
      const response = await fetch(management.origin + path, { redirect: 'manual' })
      expect([path, response.status, await response.text()]).toEqual([path, 404, ''])
    }
  })

  it('the token service forwards the console, the admin API and the account pages', async () => {
    const service = await startService(bundle)
    onTestFinished(() => service.close())
    const responses = await Promise.all(
      PATHS.map((path) => fetch(service.origin + path, { redirect: 'manual' })),
    )
    expect(responses.map(({ status }) => status)).toEqual([303, 401, 200, 303])
    const [console, , openapi] = responses
    expect(console?.headers.get('Location')).toContain('/oauth2-token/authorize?client_id=sallyport-console&')
    expect(console?.headers.get('Set-Cookie')).toContain('sallyport-console')
    expect(await openapi?.json()).toMatchObject({ servers: [{ url: `${service.origin}/admin/api` }] })
  })

  it('the cron trigger of the token service runs its work in the Worker of management', async () => {
    const service = await startService(bundle)
    onTestFinished(() => service.close())
    const { DB } = service.stores
    const count = (table: string) => DB.prepare(`SELECT count(*) AS n FROM ${table}`).first<number>('n')
    await DB.prepare(
      "INSERT INTO audit_events (at, kind, outcome, reason) VALUES (0, 'issue', 'ok', 'old')",
    ).run()
    const keys = await count('signing_keys')
    await service.runCron()
    expect(await DB.prepare('SELECT id FROM audit_events WHERE at = 0').first()).toBeNull()
    expect([keys, await count('signing_keys')]).toEqual([0, 2])
  })

  it('without the Worker of management tokens are issued, and its paths get 500', async () => {
    const service = await startService({ ...bundle, management: null })
    onTestFinished(() => service.close())
    expect(await requestGuestToken(service.origin)).toBe(200)
    for (const path of PATHS) {
      const response = await fetch(service.origin + path, { redirect: 'manual' })
      expect([path, response.status, await response.json()]).toEqual([
        path,
        500,
        { error: 'server_error', error_description: 'The server met an unexpected condition.' },
      ])
    }
  })
})

import { decodeJwt } from 'jose'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { configureBundle } from '../../scripts/configure_bundle.ts'
import { startService } from '../../scripts/worker_server.ts'
import { serviceBundle } from '../support/shared_builds.ts'
import { CUSTOMER, requestTokens } from '../support/token_client.ts'

/** An object sends the changes of the index within 5 s. */
const INDEX_WAIT = { timeout: 30_000, interval: 250 }

describe('a session object of the deployed Worker', () => {
  it('sends the index to the databases of config.yml, and the cron trigger reads them', async () => {
    const index_databases = [{ binding: 'INDEX_1', new_sessions: true }]
    const bundle = configureBundle(await serviceBundle(), {
      session_objects: { per_market: 1, index_databases },
    })
    const service = await startService(bundle, { databases: ['INDEX_1'] })
    onTestFinished(() => service.close())
    const { refresh_token } = await requestTokens(service.origin, CUSTOMER)
    const { client_id, client_secret } = CUSTOMER
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token, client_id, client_secret })
    expect((await fetch(`${service.origin}/oauth2-token`, { method: 'POST', body })).status).toBe(200)
    const { sid, sub } = decodeJwt<{ sid: string; sub: string }>(refresh_token)
    const databases = new Map<string, unknown>(Object.entries(service.stores))
    const rowsIn = async (name: string) => {
      const db = databases.get(name) as D1Database
      return (await db.prepare('SELECT sid, subject FROM session_index').all()).results
    }
    await vi.waitFor(async () => expect(await rowsIn('INDEX_1')).toEqual([{ sid, subject: sub }]), INDEX_WAIT)
    expect(await rowsIn('DB')).toEqual([])

    // Only the cron trigger of the Worker of management replaces the id.
    await service.stores.DB.prepare(
      "INSERT INTO erasures (subject, pseudonym, expires_at) VALUES (?, 'user:erased', 9e9)",
    )
      .bind(sub)
      .run()
    await service.runCron()
    expect(await rowsIn('INDEX_1')).toEqual([{ sid, subject: 'user:erased' }])
  })
})

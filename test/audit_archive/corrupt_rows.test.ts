import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { deliverHistory, emptyArchive, makeHistory } from '../support/audit_history.ts'
import { archiveServer } from '../support/audit_sink.ts'
import { emptyStores } from '../support/server.ts'

/** The events in the log with the level error. */
function errors() {
  const spy = vi.spyOn(console, 'error').mockImplementation(() => {})
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  onTestFinished(() => {
    for (const one of [spy, warn]) one.mockRestore()
  })
  return () => spy.mock.calls.map(([line]) => JSON.parse(String(line)).event)
}

describe('a corrupt row of the audit trail', () => {
  beforeEach(async () => {
    await emptyStores()
    await emptyArchive()
  })

  it('a corrupt batch keeps its day of its partition in D1, and the later days move to R2', async () => {
    const { server } = archiveServer({ config: { audit_archive: { partitions: 1, hot_hours: 72 } } })
    await deliverHistory(server, makeHistory(server.clock.time, 8))
    const select = 'SELECT count(DISTINCT slot / 86400) AS days FROM audit_batches'
    const before = Number(await env.DB.prepare(select).first('days'))
    await env.DB.prepare(
      "UPDATE audit_batches SET events = '[{}]' WHERE slot = (SELECT min(slot) FROM audit_batches)",
    ).run()
    const read = errors()
    await server.cron()
    const objects = Number(await env.DB.prepare('SELECT count(*) AS n FROM audit_archives').first('n'))
    expect(objects).toBeGreaterThan(2)
    // The corrupt day stays beside the days of the last 72 hours.
    expect(await env.DB.prepare(select).first('days')).toBe(before - objects)
    expect(read()).toEqual(['audit_not_archived'])
  })

  it('a corrupt event stays a row, and the other events above the maximum move to batches', async () => {
    const { server } = archiveServer({ config: { audit_max_events: 10_000 } })
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10100)
       INSERT INTO audit_events (at, kind, outcome, reason, change)
       SELECT ?, 'issue', 'ok', 'old', iif(i = 1, '1', NULL) FROM n`,
    )
      .bind(server.clock.time)
      .run()
    const read = errors()
    await server.sweep()
    const left = await env.DB.prepare("SELECT count(*) AS n FROM audit_events WHERE reason = 'old'").first(
      'n',
    )
    expect(left).toBe(10_001)
    expect(read()).toEqual(['sweep_failed'])
  })
})

import { env } from 'cloudflare:workers'

export interface AuditRow {
  kind: string
  outcome: string
  reason: string
  api: string | null
  client_id: string | null
  subject: string | null
  sid: string | null
  address_prefix: string | null
  actor: string | null
  actor_client: string | null
}

/** The audit events with all of the values, oldest first. */
export async function auditOf(values: Partial<AuditRow>): Promise<AuditRow[]> {
  const conditions = Object.keys(values).map((column) => `${column} = ?`)
  const sql = `SELECT kind, outcome, reason, api, client_id, subject, sid, address_prefix, actor, actor_client
    FROM audit_events WHERE ${conditions.join(' AND ')} ORDER BY id`
  const { results } = await env.DB.prepare(sql)
    .bind(...Object.values(values))
    .all<AuditRow>()
  return results
}

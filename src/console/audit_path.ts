import { formatQuery, type Query } from './admin_client.ts'
import { formatIso } from './format.ts'

/** A time span in Unix seconds: `from` is inclusive, `to` exclusive. Both are whole minutes. */
export interface Interval {
  from: number
  to: number
}

/** The path of the audit events of an interval, below /console. The audit page parses the times as UTC. */
export function auditPathOf(filter: Query, { from, to }: Interval): string {
  const times = { from: formatIso(from).slice(0, 16), to: formatIso(to).slice(0, 16) }
  return `/audit${formatQuery({ ...filter, ...times })}`
}

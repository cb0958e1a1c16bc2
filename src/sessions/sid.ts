import { randomId } from '../lib/bytes.ts'

/** The database that new sessions go to. A sid names it, so that a session is found by its name alone. */
const SHARD = 's1'

/** A new session id: the shard, then 128 random bits. */
export function generateSid(): string {
  return `${SHARD}.${randomId(16)}`
}

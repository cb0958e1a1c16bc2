import { randomId } from '../lib/bytes.ts'
import { splitOnce } from '../lib/split_once.ts'

/** A new session id: the name of its shard, then 128 random bits. */
export function generateSid(shardName: string): string {
  return `${shardName}.${randomId(16)}`
}

/** The name of the shard that a session is stored in. */
export function shardNameOf(sid: string): string {
  return splitOnce(sid, '.')[0]
}

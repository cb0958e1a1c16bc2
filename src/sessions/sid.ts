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

/** The range of all sids of a shard: each is after `first` and before `end`. */
export function sidRangeOf(shardName: string): { first: string; end: string } {
  // In ASCII, the slash follows the dot.
  return { first: `${shardName}.`, end: `${shardName}/` }
}

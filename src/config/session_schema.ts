import * as z from 'zod/mini'
import {
  areUnique,
  check,
  count,
  DAY,
  databaseBinding,
  flag,
  listOf,
  listOfMappings,
  oneOf,
  seconds,
} from './checks.ts'
import { furtherBinding, furtherDatabases } from './further_databases.ts'
import { type FileOf, keyWithDefault, mapping, optionalKey, requiredKey, type ValuesOf } from './key.ts'

/** The name of a database in the ids of its rows. */
export const shardName = check(
  z
    .string('must be a name')
    .check(z.regex(/^[a-z][a-z0-9]{0,15}$/, 'must be a lower-case name of up to 16 letters and digits')),
  { bounds: 'up to 16 of `a-z` and `0-9`, the first a letter' },
)

/** The codes of Cloudflare's `request.cf.continent`. */
const continent = oneOf(['AF', 'AN', 'AS', 'EU', 'NA', 'OC', 'SA'])

const keysOfShard = {
  name: requiredKey('name', {
    check: shardName,
    description: 'The text before the dot in the `sid` of its sessions',
  }),
  binding: requiredKey('binding', {
    check: databaseBinding,
    description: 'The binding of its D1 database in `wrangler.toml`',
  }),
  continents: keyWithDefault('continents', {
    check: listOf<string>(continent, 'continents'),
    default: [],
    description:
      'The continents whose new sessions it stores. The first shard stores those of all other continents',
  }),
}

/** One database for sessions. */
export type ShardConfig = ValuesOf<typeof keysOfShard>

/** Whether no two shards share a name, a binding or a continent. */
function areDistinct(shards: FileOf<typeof keysOfShard>[]): boolean {
  const lists = [
    shards.map((shard) => shard.name),
    shards.map((shard) => shard.binding),
    shards.flatMap((shard) => shard.continents),
  ]
  return lists.every(areUnique)
}

const keysOfIndexDatabase = {
  binding: furtherBinding,
  takesNewSessions: keyWithDefault('new_sessions', {
    check: flag,
    default: false,
    description:
      'Whether it gets the rows of new sessions. Set it in a deployment after the one that added the database ([sessions.md](sessions.md#index-databases))',
  }),
}

/** A database for the index of the sessions in objects, beside the main database. */
export type IndexDatabaseConfig = ValuesOf<typeof keysOfIndexDatabase>

const keysOfObjects = {
  perMarket: requiredKey('per_market', {
    check: count(0, 256, 'objects'),
    description:
      'The number of objects for the new sessions of each market. With 0, new sessions go to `session_shards`, and sessions in objects continue',
  }),
  isStrict: keyWithDefault('strict', {
    check: flag,
    default: false,
    description:
      'Whether each refresh reads its client and its user from D1. Without it, an object uses copies that are up to 30 seconds old',
  }),
  indexDatabases: keyWithDefault('index_databases', {
    check: listOfMappings(keysOfIndexDatabase, furtherDatabases),
    default: [],
    description:
      'Further databases for the index of these sessions ([sessions.md](sessions.md#index-databases)). Never remove one that has rows',
  }),
}

export const sessionKeys = {
  sessionLifetimeSeconds: optionalKey('session_lifetime', {
    check: seconds(300, 3650 * DAY),
    absent: 'no limit',
    description: 'The longest lifetime of a session from its sign-in, with any number of refreshes',
  }),
  sessionShards: keyWithDefault('session_shards', {
    check: listOfMappings(keysOfShard, [
      z.minLength(1, 'must list at least one shard'),
      z.refine(areDistinct, 'must not give two shards the same name, binding or continent'),
    ]),
    default: [{ name: 's1', binding: 'DB', continents: [] }],
    description: 'The databases that store sessions ([sessions.md](sessions.md#shards))',
  }),
  sessionObjects: optionalKey('session_objects', {
    check: mapping(keysOfObjects),
    absent: 'all sessions are in `session_shards`',
    description:
      'Durable Objects near the markets that store sessions ([sessions.md](sessions.md#session-objects))',
  }),
}

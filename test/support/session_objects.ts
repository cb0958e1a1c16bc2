import {
  evictAllDurableObjects,
  listDurableObjectIds,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { shardNameOf } from '../../src/sessions/sid.ts'

/** A configuration whose new sessions are in session objects. */
export const IN_OBJECTS = { session_objects: { per_market: 2 } }

/** The same, and each refresh reads its client and its user from D1. So a revocation has effect at once. */
export const IN_STRICT_OBJECTS = { session_objects: { per_market: 2, strict: true } }

type Row = Record<string, SqlStorageValue>

/** The namespace of the session objects. */
export function sessionObjects() {
  if (!env.SESSION_OBJECTS) throw new Error('wrangler.toml has no session objects')
  return env.SESSION_OBJECTS
}

export type ObjectStub = ReturnType<ReturnType<typeof sessionObjects>['getByName']>

/** The session object with a name, or of a sid. */
export function objectOf(sid: string): ObjectStub {
  return sessionObjects().getByName(shardNameOf(sid))
}

/** Every session object that exists. */
export async function allObjects(): Promise<ObjectStub[]> {
  return (await listDurableObjectIds(sessionObjects())).map((id) => sessionObjects().get(id))
}

/** Wraps the main database of an object, until the object leaves the memory. */
export async function wrapMainDatabase(
  object: ObjectStub,
  wrap: (db: D1Database) => D1Database,
): Promise<void> {
  await evictAllDurableObjects()
  await runInDurableObject(object, (instance) => {
    const own: { DB: D1Database } = Reflect.get(instance, 'env')
    Object.assign(instance, { env: { ...own, DB: wrap(own.DB) } })
  })
}

/** Runs a statement in one object, past its code. */
export function readObject(object: ObjectStub, sql: string, ...values: SqlStorageValue[]): Promise<Row[]> {
  return runInDurableObject(object, (_, { storage }) => storage.sql.exec(sql, ...values).toArray())
}

/** The sids of the ended sessions that an object has not sent to the main database. */
export async function readUnsentCutoffs(object: ObjectStub): Promise<unknown[]> {
  const sql = "SELECT value FROM cutoffs WHERE id > (SELECT sent_cutoff FROM restores WHERE name = '')"
  return (await readObject(object, sql)).map(({ value }) => value)
}

/** Runs a statement in every object. */
export async function readObjects(sql: string, ...values: SqlStorageValue[]): Promise<Row[]> {
  const objects = await allObjects()
  return (await Promise.all(objects.map((object) => readObject(object, sql, ...values)))).flat()
}

/** Removes the rows and the memory of every object. The next test can have an earlier time. */
export async function emptyObjects(): Promise<void> {
  await evictAllDurableObjects()
  // The removal of a session adds a change of the index.
  const tables = ['sessions', 'cutoffs', 'index_changes', 'clients', 'users', 'further_lists', 'restores']
  const deletions = tables.map((table) => `DELETE FROM ${table};`).join(' ')
  await readObjects(
    `${deletions} INSERT INTO restores (name, seq) VALUES ('', 0); UPDATE copy_lists SET clients_seq = 0, users_seq = 0`,
  )
}

/** Runs the alarms of every object, as after some seconds. */
export async function runAlarms(): Promise<void> {
  for (const object of await allObjects()) await runDurableObjectAlarm(object)
}

/** Removes the expired sessions of every object. @param now Unix seconds */
export async function sweepObjects(now: number): Promise<void> {
  for (const object of await allObjects()) await runInDurableObject(object, (instance) => instance.sweep(now))
  await runAlarms()
}

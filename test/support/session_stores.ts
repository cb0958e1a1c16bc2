import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe } from 'vitest'
import { isObjectName } from '../../src/sessions/object_name.ts'
import { shardNameOf } from '../../src/sessions/sid.ts'
import { TestServer } from './server.ts'
import { IN_STRICT_OBJECTS, objectOf, readObject, readObjects } from './session_objects.ts'
import { IN_FURTHER_DATABASES } from './user_databases.ts'

/** A store of sessions, and the keys of config.yml that select it. */
export interface SessionStoreCase {
  name: 'D1' | 'session objects'
  config: Record<string, unknown>
}

/** Every store of sessions. The same tests run against each. test/sessions has the tests of copies in objects. */
export const SESSION_STORES: readonly SessionStoreCase[] = [
  { name: 'D1', config: {} },
  { name: 'session objects', config: IN_STRICT_OBJECTS },
]

/** Session objects whose users are in further databases. Users sign in there on pages and by the password grant. */
export const IN_USER_DATABASES = {
  name: 'session objects, with users in further databases',
  config: IN_FURTHER_DATABASES,
}

/** A block of tests for each store of sessions. Each `TestServer` that a test creates has the store. */
export function describeStores(name: string, tests: (store: SessionStoreCase) => void): void {
  describeConfigurations(SESSION_STORES, `${name}, with sessions in $name`, tests)
}

/** The same, and also with users in further databases. */
export function describeStoresAndPlaces(name: string, tests: () => void): void {
  describeConfigurations([...SESSION_STORES, IN_USER_DATABASES], `${name}, with sessions in $name`, tests)
}

/** A block of tests for each configuration. */
export function describeConfigurations<T extends { config: Record<string, unknown> }>(
  configurations: readonly T[],
  name: string,
  tests: (configuration: T) => void,
): void {
  describe.each(configurations)(name, (store) => {
    beforeEach(() => {
      TestServer.defaults = store.config
    })

    afterEach(() => {
      TestServer.defaults = {}
    })

    tests(store)
  })
}

/** The rows of a session, at most one, in the store that its sid names. @param columns The selected columns, as SQL. */
export async function readSession(sid: string, columns: string): Promise<unknown[]> {
  const sql = `SELECT ${columns} FROM sessions WHERE sid = ?`
  if (isObjectName(shardNameOf(sid))) return readObject(objectOf(sid), sql, sid)
  const { results } = await env.DB.prepare(sql).bind(sid).all()
  return results
}

/** The rows of the sessions of a user or a guest, in every store. */
export async function readSessions(subject: string): Promise<Record<string, unknown>[]> {
  const sql = 'SELECT * FROM sessions WHERE subject = ?'
  const { results } = await env.DB.prepare(sql).bind(subject).all()
  return [...results, ...(await readObjects(sql, subject))]
}

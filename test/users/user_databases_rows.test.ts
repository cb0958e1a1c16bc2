/// <reference types="vite/types/importMeta.d.ts" />
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { aroundD1 } from '../../bench/counting_stores.ts'
import cost from '../../docs/cost.md?raw'
import { TestOperator } from '../support/operator.ts'
import { credentials, emptyStores, PASSWORD, type TestClient, TestServer } from '../support/server.ts'
import { IN_STRICT_OBJECTS } from '../support/session_objects.ts'
import { databaseOf, IN_FURTHER_DATABASES, wrapUserDatabases } from '../support/user_databases.ts'

const ADDRESS = { 'CF-Connecting-IP': '203.0.113.7' }
const IMPORTED = 10

interface Rows {
  read: number
  written: number
}

/** A server whose calls to the databases of users are counted, an operator and a user. */
interface Scene {
  server: TestServer
  operator: TestOperator
  client: TestClient
  user: { id: string; username: string }
}

/** One operation, with a number that differs each time. @returns the id of the user */
type Operation = (scene: Scene, i: number) => Promise<string>

function signIn({ server, client }: Scene, username: string, password = PASSWORD): Promise<Response> {
  return server.postJson({ grant_type: 'password', ...credentials(client), username, password }, ADDRESS)
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'password sign-in': async (scene) => {
    expect((await signIn(scene, scene.user.username)).status).toBe(200)
    return scene.user.id
  },
  'failed sign-in': async (scene) => {
    expect((await signIn(scene, scene.user.username, 'a wrong password')).status).toBe(400)
    return scene.user.id
  },
  'sign-in with an unknown username': async (scene) => {
    const username = 'unknown@shop.test'
    expect((await signIn(scene, username)).status).toBe(400)
    return scene.server.services.userDatabases.newId({ pool: 'customers', username })
  },
  'creation of a user by an operator': async ({ operator }, i) => {
    const draft = { pool: 'customers', username: `new-${i}@shop.test`, password: PASSWORD }
    const { status, body } = await operator.post('/users', draft)
    expect(status).toBe(201)
    return String(body.id)
  },
  'new username of a user by an operator': async ({ operator, user }, i) => {
    const { headers } = await operator.get(`/users/${user.id}`)
    const edit = { username: `renamed-${i}@shop.test` }
    expect((await operator.patch(`/users/${user.id}`, edit, headers.get('ETag'))).status).toBe(200)
    return user.id
  },
  'new password of a user by an operator': async ({ operator, user }) => {
    expect((await operator.post(`/users/${user.id}/password`, { password: PASSWORD })).status).toBe(200)
    return user.id
  },
  [`import of ${IMPORTED} users`]: async ({ operator, server }, i) => {
    // All of them are in one database.
    const names = Array.from({ length: 100 }, (_, n) => `import-${i}-${n}@shop.test`)
    const idOf = (username: string) => server.services.userDatabases.newId({ pool: 'customers', username })
    const first = databaseOf(idOf(names[0] ?? ''))
    const rows = names
      .filter((username) => databaseOf(idOf(username)) === first)
      .slice(0, IMPORTED)
      .map((username) => ({ pool: 'customers', username, no_password: true }))
    const { status, body } = await operator.post('/users/import', { rows })
    const results = body.results as { status: string; id: string }[]
    expect([status, results.map((result) => result.status)]).toEqual([200, rows.map(() => 'created')])
    return results[0]?.id ?? ''
  },
}

/** Counts the rows of the second request of an isolate, in each database. @returns them and the database of the user */
async function measure(config: object, operation: Operation) {
  const counts = new Map<D1Database, Rows>()
  const databases = wrapUserDatabases((db) => {
    const rows = { read: 0, written: 0 }
    counts.set(db, rows)
    return aroundD1(db, async (_sql, call) => {
      const results = await call()
      for (const { meta } of results) {
        rows.read += meta.rows_read
        rows.written += meta.rows_written
      }
      return results
    })
  })
  const near = new TestServer({ config: { ...config } })
  const operator = await TestOperator.confirmed(near)
  const server = new TestServer({ config: { ...config }, clock: near.clock, env: databases })
  const scene = {
    server,
    operator: new TestOperator(server, operator),
    client: await near.addClient(),
    user: await near.addUser(),
  }
  scene.operator.confirmation = operator.confirmation
  await operation(scene, 1)
  await server.settle()
  for (const rows of counts.values()) Object.assign(rows, { read: 0, written: 0 })
  const id = await operation(scene, 2)
  await server.settle()
  return { counts, home: databaseOf(id) }
}

const format = ({ read, written }: Rows) => `${read} / ${written}`
const none = { read: 0, written: 0 }

describe('the rows of users in several databases', () => {
  beforeEach(emptyStores)

  it('the rows that an operation reads and writes match docs/cost.md', async ({ annotate }) => {
    const table = [
      '| operation | one database | main database | database of the user | other database |',
      '| --- | ---: | ---: | ---: | ---: |',
    ]
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      await emptyStores()
      const one = await measure(IN_STRICT_OBJECTS, operation)
      await emptyStores()
      const { counts, home } = await measure(IN_FURTHER_DATABASES, operation)
      const [other] = [env.USERS_1, env.USERS_2].filter((db) => db !== home)
      const places = [
        one.counts.get(env.DB),
        counts.get(env.DB),
        counts.get(home),
        counts.get(other ?? env.DB),
      ]
      table.push(`| ${[name, ...places.map((rows) => format(rows ?? none))].join(' | ')} |`)
    }
    const text = table.join('\n')
    await annotate(`\n<!-- user_databases -->\n${text}\n<!-- /user_databases -->`)
    const [, documented] = cost.split(/<!-- \/?user_databases -->/)
    // A run that writes the page measures before.
    if (env.PLACES === '') expect(documented?.trim()).toBe(text)
  })
})

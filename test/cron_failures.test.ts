import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { watchFailures } from './support/failure_log.ts'
import { emptyStores, TestServer } from './support/server.ts'

/** The events and the tables in the log, without the lines of success. */
function failures() {
  const lines = watchFailures()
  return () => lines().map(({ event, table, cause }) => [event, table ?? cause])
}

/** The ids of new users of the main database, in the order of their ids. */
async function addUsers(server: TestServer, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push((await server.addUser()).id)
  return ids.sort()
}

const selectUsers = async (columns: string) =>
  (await env.DB.prepare(`SELECT ${columns} FROM users ORDER BY id`).raw()).flat()

describe('the cron trigger and a user whose row fails', () => {
  beforeEach(emptyStores)

  it('a corrupt profile leaves only its own search text empty', async () => {
    const server = new TestServer()
    const [corrupt] = await addUsers(server, 3)
    await env.DB.prepare('UPDATE users SET search = NULL, profile = iif(id = ?, ?, profile)')
      .bind(corrupt, '{"name":1}')
      .run()
    const read = failures()
    await server.cron()
    expect(await selectUsers('search IS NULL')).toEqual([1, 0, 0])
    expect(read()).toEqual([
      ['search_texts_failed', expect.stringContaining(`user ${corrupt}`)],
      ['sweep_unfinished', 'users (search texts)'],
    ])
  })

  it('a failed erasure leaves only its own account, also if it is the oldest of several pages', async () => {
    const server = new TestServer()
    const [failing] = await addUsers(server, 7)
    await env.DB.prepare('UPDATE users SET deletion_at = 1').run()
    const { signOut } = server.services
    const remove = signOut.removeUser.bind(signOut)
    const spy = vi.spyOn(signOut, 'removeUser').mockImplementation((id, ...rest) => {
      if (id === failing) throw new Error('the erasure failed')
      return remove(id, ...rest)
    })
    const read = failures()
    await server.cron()
    expect(await selectUsers('id')).toEqual([failing])
    expect(read()).toEqual([
      ['accounts_not_erased', 'Error: the erasure failed'],
      ['sweep_unfinished', 'users (deletion due)'],
    ])

    spy.mockRestore()
    await server.cron()
    expect(await selectUsers('id')).toEqual([])
  })

  it('an account with a corrupt row is erased', async () => {
    const server = new TestServer()
    await addUsers(server, 2)
    await env.DB.prepare('UPDATE users SET deletion_at = 1, profile = \'{"name":1}\'').run()
    const read = failures()
    await server.cron()
    expect(await selectUsers('id')).toEqual([])
    expect(read()).toEqual([])
  })
})

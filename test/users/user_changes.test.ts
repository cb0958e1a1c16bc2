import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { USER_CHANGE_SECONDS } from '../../src/storage/copy_ages.ts'
import { USER_COLUMNS } from '../../src/users/user.ts'
import { emptyStores, TestServer } from '../support/server.ts'

/** The columns whose change leaves the copies of a user current, with the reason. */
const NOT_COPIED: Readonly<Record<string, string>> = {
  id: 'it is immutable',
  password_hash: 'no copy has it',
  hash_replaceable: 'no copy has it',
  breach_checked_at: 'no token depends on it',
  created_at: 'it is immutable',
  verified_email: 'D1 computes it from the profile',
}

/** A new value of each copied column, as SQL. */
const NEW_VALUES: Readonly<Record<string, string>> = {
  pool: "'others'",
  username: "'other name'",
  enabled: '0',
  roles: `'["buyer"]'`,
  must_change_password: '1',
  has_totp: '1',
  has_passkey: '1',
  password_breached: '1',
  deletion_at: '2000000000',
  tokens_valid_from: '1700000000',
  access_valid_from: '1700000000',
  profile: `'{"name":"Other"}'`,
  updated_at: '1700000000',
}

interface Change {
  seq: number
  name: string
}

async function listChanges(): Promise<Change[]> {
  const { results } = await env.DB.prepare('SELECT seq, name FROM user_changes ORDER BY seq').all<Change>()
  return results
}

describe('the list of changed users', () => {
  beforeEach(emptyStores)

  it('the test names a value of each column that a copy of a user has', () => {
    expect([...Object.keys(NEW_VALUES), ...Object.keys(NOT_COPIED)].sort()).toEqual(USER_COLUMNS.toSorted())
  })

  it.each(Object.entries(NEW_VALUES))('a change of the column %s is listed', async (column, value) => {
    const { id } = await new TestServer().addUser()
    await env.DB.prepare(`UPDATE users SET ${column} = ${value} WHERE id = ?`).bind(id).run()
    expect(await listChanges()).toEqual([{ seq: 1, name: id }])
    await env.DB.prepare(`UPDATE users SET ${column} = ${value} WHERE id = ?`).bind(id).run()
    expect(await listChanges()).toEqual([{ seq: 1, name: id }])
  })

  it('the list has one row for each user: the latest change, or the deletion', async () => {
    const server = new TestServer()
    const [ann, bob] = [await server.addUser(), await server.addUser()]
    const disable = env.DB.prepare('UPDATE users SET enabled = 1 - enabled WHERE id = ?')
    await env.DB.batch([ann.id, bob.id, ann.id].map((id) => disable.bind(id)))
    expect(await listChanges()).toEqual([
      { seq: 2, name: bob.id },
      { seq: 3, name: ann.id },
    ])
    await env.DB.prepare('DELETE FROM users WHERE id = ?').bind(bob.id).run()
    expect(await listChanges()).toEqual([
      { seq: 3, name: ann.id },
      { seq: 4, name: bob.id },
    ])
  })

  it('a new user, a new hash of the same password and a check that finds no breach are not listed', async () => {
    const server = new TestServer()
    const { users } = server.services
    const user = await server.addUser()
    expect(await users.replaceHash(user.id, { from: user.passwordHash, to: '$argon2id$new' })).toBe(true)
    const checked = { id: user.id, passwordHash: '$argon2id$new' }
    const safe = { breachCheckedAt: server.clock.time, passwordBreached: false }
    expect(await users.rememberBreach(checked, safe)).toBe(true)
    expect(await listChanges()).toEqual([])
    expect(await users.rememberBreach(checked, { ...safe, passwordBreached: true })).toBe(true)
    expect(await listChanges()).toEqual([{ seq: 1, name: user.id }])
  })

  it('the sweep removes changes after two days and keeps the number of the newest change', async () => {
    const server = new TestServer()
    const ids = [(await server.addUser()).id, (await server.addUser()).id, (await server.addUser()).id]
    const insert = env.DB.prepare('INSERT INTO user_changes (name, at) VALUES (?, ?)')
    const before = server.clock.time - USER_CHANGE_SECONDS
    await env.DB.batch(ids.map((id, i) => insert.bind(id, before + i)))
    await server.sweep()
    expect(await listChanges()).toEqual([
      { seq: 2, name: ids[1] },
      { seq: 3, name: ids[2] },
    ])
    server.clock.time += 10
    await server.sweep()
    expect(await listChanges()).toEqual([{ seq: 3, name: 'expired:3' }])
  })
})

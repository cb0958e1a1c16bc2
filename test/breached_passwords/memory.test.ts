import { hashSync } from 'bcryptjs'
import { expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/lib/bytes.ts'
import { importUser } from '../../src/users/create_user.ts'
import { breachRowOf, breachScene, claimsOf, FRESH, HELD } from '../support/breaches.ts'
import { describeCustomers } from '../support/customer_places.ts'
import { FaultyD1 } from '../support/faults.ts'
import { PASSWORD } from '../support/server.ts'
import { changePassword } from '../support/sign_out.ts'
import { aroundUserDatabases } from '../support/user_databases.ts'

const isNote = (sql: string) => sql.includes('SET breach_checked_at')

describeCustomers('the stored result of a breach check', () => {
  it('the stored result of a breach check stays after the hash is replaced', async () => {
    const { ranges, server, client } = await breachScene()
    const username = `${crypto.randomUUID()}@example.com`
    const draft = { pool: 'customers', username, roles: [], enabled: true }
    const user = await importUser(
      { ...draft, passwordHash: hashSync(PASSWORD, 4) },
      server.services,
      server.clock.time,
    )
    const id = server.services.userDatabases.newId(user)
    await server.services.userAdmin.add([{ ...user, id, profile: {} }], [])
    await server.signIn(client, username)
    const now = await server.services.users.findByUsername(user.pool, user.username, 'primary')
    expect(now).toMatchObject({ passwordBreached: true, passwordHash: expect.stringMatching(/^\$argon2id/) })
    await server.signIn(client, username)
    expect(ranges.asked).toHaveLength(1)
  })

  it.each([PASSWORD, FRESH])(
    'the stored result of a breach check is not stored for another password that was set in between',
    async (password) => {
      let meanwhile = async () => {}
      const databases = aroundUserDatabases(async (sql, call) => {
        if (isNote(sql)) await meanwhile()
        return call()
      })
      const { server, client } = await breachScene({}, { env: databases })
      const user = await server.addUser({ password })
      const passwordHash = await server.services.passwords.hash(encodeUtf8('yet another one'))
      meanwhile = () => changePassword(server, user.id, passwordHash)
      await server.signIn(client, user.username, password)
      await server.settle()
      expect(await breachRowOf(user)).toEqual({ breach_checked_at: null, password_breached: 0 })
    },
  )

  it('the stored result of a breach check is stored before the response, which is 503 after a failed write, because a refresh must see the result', async () => {
    const faulty = new FaultyD1({ fault: 'before it is made', nth: 1, matches: isNote })
    const { server, client } = await breachScene({ outcome: 'change' }, { env: faulty.databases })
    const { username } = await server.addUser()
    await expect(server.signIn(client, username)).rejects.toThrow('503')
    expect(claimsOf(await server.signIn(client, username))).toEqual(HELD)
  })

  it('the stored result of a breach check does not fail a sign-in if the password is not breached and the write fails', async () => {
    const faulty = new FaultyD1({ fault: 'before it is made', nth: 1, matches: isNote })
    const { server, client } = await breachScene({}, { env: faulty.databases })
    const user = await server.addUser({ password: FRESH })
    await server.signIn(client, user.username, FRESH)
    expect(faulty.failed).not.toBe(null)
    await server.signIn(client, user.username, FRESH)
    expect(await breachRowOf(user)).toEqual({ breach_checked_at: server.clock.time, password_breached: 0 })
  })
})

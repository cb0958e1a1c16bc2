import { describe, expect, it } from 'vitest'
import { OPERATIONS } from '../../src/admin/operations.ts'
import { addReader, setProfile } from '../support/account_links.ts'
import { auditOf } from '../support/audit.ts'
import { WITH_MAIL } from '../support/mail_sink.ts'
import { newInvitation } from '../support/operation_examples.ts'
import { type AdminAnswer, problem, TestOperator } from '../support/operator.ts'
import { PASSWORD, TestServer } from '../support/server.ts'

const NEEDED = problem(403, 'confirmation-required', 'The operator must confirm the password first', {
  detail:
    'Get a confirmation with POST /admin/api/me/confirm, and send it in the header Sallyport-Confirmation.',
})

const ALWAYS = 'in any case'
const FOR_POWER =
  'if a client of the admin API has an admin scope or the grant authorization_code, and the request creates or enables it, makes it first-party, or gives it a scope, a grant, a redirect URI, a secret or keys'
const FOR_ADMINS = 'if the change makes a user an admin'
const FOR_OPERATORS = 'if the user is an operator'
const NEVER = null

/** The operations that a stolen access token must not reach, and so need the password again. */
const RULES: Record<string, string | null> = {
  readMe: NEVER,
  // This operation and the next one check the password themselves.
  confirmPassword: NEVER,
  changeOwnPassword: NEVER,
  listClients: NEVER,
  createClient: FOR_POWER,
  importClients: FOR_POWER,
  readClient: NEVER,
  updateClient: FOR_POWER,
  enableClient: FOR_POWER,
  disableClient: NEVER,
  signOutClient: NEVER,
  deleteClient: NEVER,
  addClientSecret: FOR_POWER,
  retireClientSecret: NEVER,
  listUsers: NEVER,
  createUser: FOR_ADMINS,
  importUsers: `${FOR_ADMINS}, replaces hashes, or has verified email addresses`,
  verifyHash: NEVER,
  inviteUser: FOR_ADMINS,
  sendPasswordReset: 'if the user is an operator, or has no verified address',
  readUser: NEVER,
  updateUser: FOR_ADMINS,
  enableUser: FOR_ADMINS,
  disableUser: NEVER,
  signOutUser: NEVER,
  requirePasswordChange: NEVER,
  readUserSupport: NEVER,
  unlockUser: NEVER,
  listUserConsents: NEVER,
  withdrawConsent: NEVER,
  listUserFactors: NEVER,
  removeFactor: FOR_OPERATORS,
  removeAllFactors: FOR_OPERATORS,
  exportUser: ALWAYS,
  eraseUser: ALWAYS,
  search: NEVER,
  setPassword: ALWAYS,
  deleteUser: NEVER,
  listSessions: NEVER,
  readSession: NEVER,
  endSession: NEVER,
  readSessionTimeline: NEVER,
  readStatistics: NEVER,
  listKeys: NEVER,
  rotateKeys: NEVER,
  resealKeys: NEVER,
  revokeKey: ALWAYS,
  listAudit: NEVER,
  exportAudit: NEVER,
}

const draft = (roles: string[], pool = 'operators') => ({
  pool,
  username: `${crypto.randomUUID()}@x.test`,
  password: 'a password of a new user',
  roles,
})

const account = () => ({
  client_id: `account-${crypto.randomUUID()}`,
  api: 'admin',
  grants: ['client_credentials'],
  scopes: ['users:read'],
})
const addAccount = ({ server }: TestOperator, scopes: string[]) =>
  server.addClient({ api: 'admin', grants: ['client_credentials'], scopes })

/** Calls that need a confirmation. */
const POWERFUL: Record<string, (operator: TestOperator) => Promise<AdminAnswer>> = {
  'to create an admin': (operator) => operator.post('/users', draft(['admin'])),
  'to create an admin who is disabled': (operator) =>
    operator.post('/users', { ...draft(['support', 'admin']), enabled: false }),
  'to import an admin': (operator) =>
    operator.post('/users/import', { rows: [draft(['support']), draft(['admin'])] }),
  'to replace the hashes of users who were imported before': (operator) =>
    operator.post('/users/import', { rows: [draft(['support'])], replace_hashes: true }),
  'to make a support operator an admin': async (operator) => {
    const { id } = await operator.server.addUser({ pool: 'operators', roles: ['support'] })
    return operator.patch(`/users/${id}`, { roles: ['support', 'admin'] }, '"1"')
  },
  'to enable an admin': async (operator) => {
    const { id } = await operator.server.addUser({ pool: 'operators', roles: ['admin'], enabled: false })
    return operator.post(`/users/${id}/enable`)
  },
  'to invite an admin': (operator) =>
    operator.post('/users/invite', {
      ...newInvitation(),
      pool: 'operators',
      roles: ['admin'],
    }),
  'to send a password reset to an operator': async (operator) => {
    const { id } = await addReader(operator.server, { pool: 'operators', roles: ['support'] })
    return operator.post(`/users/${id}/password-reset`)
  },
  'to send a password reset to an address that is not verified': async (operator) => {
    const { id } = await operator.server.addUser()
    await setProfile(id, { email: 'jane@shop.test' })
    return operator.post(`/users/${id}/password-reset`)
  },
  'to set the password of a customer': async (operator) => {
    const { id } = await operator.server.addUser()
    return operator.post(`/users/${id}/password`, { password: 'a password of a customer' })
  },
  'to set one’s own password as that of a user': (operator) =>
    operator.post(`/users/${operator.id}/password`, { password: 'a password of an operator' }),
  'to create a service account': (operator) => operator.post('/clients', account()),
  'to import a service account': (operator) => operator.post('/clients/import', { rows: [account()] }),
  'to give a client an admin scope': async (operator) => {
    const { id } = await addAccount(operator, ['users:read'])
    return operator.patch(`/clients/${id}`, { scopes: ['users:read', 'users:write'] }, '"1"')
  },
  'to add a secret to a service account': async (operator) => {
    const { id } = await addAccount(operator, ['users:read'])
    return operator.post(`/clients/${id}/secrets`)
  },
  'to enable a service account': async (operator) => {
    const { id } = await addAccount(operator, ['users:read'])
    return operator.post(`/clients/${id}/enable`)
  },
  'to give a key up as compromised': async (operator) => {
    const { body } = await operator.post('/keys/rotate')
    return operator.delete(`/keys/${body.kid}`)
  },
}

/** Other calls, which need no confirmation. */
const HARMLESS: Record<string, (operator: TestOperator) => Promise<AdminAnswer>> = {
  'to create a support operator': (operator) => operator.post('/users', draft(['support'])),
  'to create a user of another pool with a role of that name': (operator) =>
    operator.post('/users', draft(['admin'], 'customers')),
  'to import support operators': (operator) => operator.post('/users/import', { rows: [draft(['support'])] }),
  'to try an import of an admin': (operator) =>
    operator.post('/users/import', { rows: [draft(['admin'])], dry_run: true }),
  'to rename an admin': async (operator) => {
    const { id } = await operator.server.addUser({ pool: 'operators', roles: ['admin'] })
    return operator.patch(`/users/${id}`, { roles: ['admin'], profile: { name: 'Another' } }, '"1"')
  },
  'to demote an admin': async (operator) => {
    const { id } = await operator.server.addUser({ pool: 'operators', roles: ['admin'] })
    return operator.patch(`/users/${id}`, { roles: ['support'] }, '"1"')
  },
  'to try an import of a service account': (operator) =>
    operator.post('/clients/import', { rows: [account()], dry_run: true }),
  'to remove a scope of a service account': async (operator) => {
    const { id } = await addAccount(operator, ['users:read', 'users:write'])
    return operator.patch(`/clients/${id}`, { scopes: ['users:read'] }, '"1"')
  },
  'to invite a customer': (operator) => operator.post('/users/invite', newInvitation()),
  'to send a password reset to a customer': async (operator) => {
    const { id } = await addReader(operator.server)
    return operator.post(`/users/${id}/password-reset`)
  },
  'to enable a customer': async (operator) => {
    const { id } = await operator.server.addUser({ enabled: false, roles: ['admin'] })
    return operator.post(`/users/${id}/enable`)
  },
}

describe('a confirmation of the password', () => {
  it('this list has every operation, and those that need a confirmation', () => {
    expect(
      Object.fromEntries(OPERATIONS.map(({ id, confirmation }) => [id, confirmation?.when ?? null])),
    ).toEqual(RULES)
  })

  it.each(Object.keys(POWERFUL))('a confirmation is required %s', async (name) => {
    const call = POWERFUL[name] ?? (() => Promise.reject(new Error(name)))
    const operator = await TestOperator.signIn(new TestServer(WITH_MAIL))
    const refused = await call(operator)
    expect([refused.status, refused.body]).toEqual([403, NEEDED])
    expect(refused.headers.get('Content-Type')).toBe('application/problem+json')
    await operator.confirm()
    expect((await call(operator)).status).toBeLessThan(300)
  })

  it.each(Object.keys(HARMLESS))('a confirmation is not required %s', async (name) => {
    const call = HARMLESS[name] ?? (() => Promise.reject(new Error(name)))
    const operator = await TestOperator.signIn(new TestServer(WITH_MAIL))
    expect((await call(operator)).status).toBeLessThan(300)
  })

  it('the right password gives a confirmation for 300 s, with an event', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const { status, headers, body } = await operator.post('/me/confirm', { current_password: PASSWORD })
    expect([status, body]).toEqual([200, { confirmation: expect.any(String), expires_in: 300 }])
    expect(headers.get('Cache-Control')).toBe('no-store, no-transform')
    expect(await auditOf({ actor: operator.id })).toMatchObject([
      { kind: 'admin', outcome: 'ok', reason: 'the password was confirmed', subject: operator.id },
    ])
    operator.confirmation = String(body.confirmation)
    server.clock.time += 299
    expect((await operator.post('/users', draft(['admin']))).status).toBe(201)
    server.clock.time += 1
    expect((await operator.post('/users', draft(['admin']))).body).toEqual(NEEDED)
  })

  it('a wrong password gives no confirmation, with an event', async () => {
    const operator = await TestOperator.signIn(new TestServer())
    const { status, body } = await operator.post('/me/confirm', { current_password: 'mistyped' })
    expect([status, body]).toEqual([403, problem(403, 'wrong-password', 'Your own password is wrong')])
    expect(await auditOf({ actor: operator.id })).toMatchObject([
      { kind: 'admin', outcome: 'refused', reason: 'wrong current password', subject: operator.id },
    ])
  })

  it('a confirmation is valid only in its session, and a changed one is invalid', async () => {
    const server = new TestServer()
    const operator = await TestOperator.signIn(server)
    const other = await TestOperator.signIn(server)
    await operator.confirm()
    const given = operator.confirmation ?? ''
    const [expiresAt = '', mac = ''] = given.split('.')
    const forged = [
      '',
      '.',
      'x',
      given.slice(0, -1),
      `${given}x`,
      `${Number(expiresAt) + 1}.${mac}`,
      `${expiresAt}.`,
    ]
    for (const confirmation of forged) {
      operator.confirmation = confirmation
      expect((await operator.post('/users', draft(['admin']))).body).toEqual(NEEDED)
    }
    other.confirmation = given
    expect((await other.post('/users', draft(['admin']))).body).toEqual(NEEDED)
    await operator.signInAgain()
    operator.confirmation = given
    expect((await operator.post('/users', draft(['admin']))).body).toEqual(NEEDED)
  })
})

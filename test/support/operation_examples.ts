import { env } from 'cloudflare:workers'
import { consentIdOf } from '../../src/authorization/consent.ts'
import { compact } from '../../src/lib/compact.ts'
import { NO_GUARD } from '../../src/sessions/holder_check.ts'
import { addReader } from './account_links.ts'
import type { TestOperator } from './operator.ts'
import { enrol } from './second_factor.ts'
import { PASSWORD, type TestServer } from './server.ts'

/** The input of an operation. */
export interface Example {
  path: string
  body?: unknown
  version?: unknown
}

/** Creates the data that an operation needs, and returns its input. */
type MakeExample = (server: TestServer, operator: TestOperator) => Promise<Example> | Example

export const NEW_PASSWORD = 'a password that is set by an operator'
export const draft = () => ({
  client_id: `made-${crypto.randomUUID()}`,
  api: 'storefront',
  grants: ['password'],
})
export const newUser = () => ({
  pool: 'customers',
  username: `${crypto.randomUUID()}@example.com`,
  password: PASSWORD,
})
export const newInvitation = () => {
  const username = `${crypto.randomUUID()}@example.com`
  return { pool: 'customers', username, profile: { email: username } }
}

const ofClient = (suffix: string, rest: Omit<Example, 'path'> = {}): MakeExample => {
  return async (server) => ({ path: `/clients/${(await server.addClient()).id}${suffix}`, ...rest })
}
const ofUser = (suffix: string, rest: Omit<Example, 'path'> = {}): MakeExample => {
  return async (server) => ({ path: `/users/${(await server.addUser()).id}${suffix}`, ...rest })
}
const ofSession = (suffix: string): MakeExample => {
  return async (server) => {
    const client = await server.addClient()
    const user = await server.addUser()
    await server.signIn(client, user.username)
    const { sid } = await latestSession(user.id)
    return { path: `/sessions/${sid}${suffix}` }
  }
}
const at =
  (path: string, body?: unknown): MakeExample =>
  () =>
    compact({ path, body })

/** One example for each operation. */
export const EXAMPLES: Record<string, MakeExample> = {
  readMe: at('/me'),
  confirmPassword: at('/me/confirm', { current_password: PASSWORD }),
  changeOwnPassword: at('/me/password', { current_password: PASSWORD, password: NEW_PASSWORD }),
  listClients: at('/clients?limit=2'),
  createClient: () => ({ path: '/clients', body: draft() }),
  importClients: () => ({ path: '/clients/import', body: { rows: [draft()] } }),
  readClient: ofClient(''),
  updateClient: ofClient('', { body: { name: 'Another name' }, version: '"1"' }),
  enableClient: ofClient('/enable'),
  disableClient: ofClient('/disable'),
  signOutClient: ofClient('/sign-out'),
  deleteClient: ofClient('', { version: '"1"' }),
  addClientSecret: ofClient('/secrets'),
  retireClientSecret: async (server, operator) => {
    const { id } = await server.addClient()
    const { secrets } = (await operator.get(`/clients/${id}`)).body
    const [{ secret_id }] = secrets as [{ secret_id: string }]
    return { path: `/clients/${id}/secrets/${secret_id}/retire`, body: {} }
  },
  listUsers: at('/users?limit=2'),
  createUser: () => ({ path: '/users', body: newUser() }),
  importUsers: () => ({ path: '/users/import', body: { rows: [newUser()] } }),
  verifyHash: at('/users/import/verify', {
    password: PASSWORD,
    password_hash: `$2y$04$abcdefghijklmnopqrstuu${'a'.repeat(31)}`,
  }),
  inviteUser: () => ({ path: '/users/invite', body: newInvitation() }),
  sendPasswordReset: async (server) => ({ path: `/users/${(await addReader(server)).id}/password-reset` }),
  readUser: ofUser(''),
  updateUser: ofUser('', { body: { roles: ['wholesale'] }, version: '"1"' }),
  enableUser: ofUser('/enable'),
  disableUser: ofUser('/disable'),
  signOutUser: ofUser('/sign-out'),
  requirePasswordChange: ofUser('/require-password-change'),
  readUserSupport: ofUser('/support'),
  unlockUser: async (server) => {
    const user = await server.addUser()
    const client = await server.addClient()
    const credentials = { client_id: client.id, client_secret: client.secret, username: user.username }
    await server.postJson({ grant_type: 'password', ...credentials, password: 'wrong' })
    return { path: `/users/${user.id}/unlock` }
  },
  listUserConsents: async (server) => ({ path: `/users/${(await newConsent(server)).subject}/consents` }),
  withdrawConsent: async (server) => {
    const { subject, id } = await newConsent(server)
    return { path: `/users/${subject}/consents/${id}` }
  },
  listUserFactors: async (server) => ({ path: `/users/${await newUserWithApp(server)}/factors` }),
  removeFactor: async (server) => ({ path: `/users/${await newUserWithApp(server)}/factors/totp` }),
  removeAllFactors: async (server) => ({ path: `/users/${await newUserWithApp(server)}/factors` }),
  exportUser: ofUser('/export'),
  eraseUser: async (server) => {
    const { id, username } = await server.addUser()
    return { path: `/users/${id}/erase`, body: { username } }
  },
  search: at('/search?q=shop'),
  setPassword: ofUser('/password', { body: { password: NEW_PASSWORD } }),
  deleteUser: ofUser('', { version: '"1"' }),
  listSessions: (_server, operator) => ({ path: `/sessions?subject=${operator.id}` }),
  readSession: ofSession(''),
  endSession: ofSession(''),
  readSessionTimeline: ofSession('/timeline'),
  readStatistics: at('/statistics?minutes=5'),
  listKeys: at('/keys'),
  rotateKeys: at('/keys/rotate'),
  resealKeys: at('/keys/reseal'),
  revokeKey: async (_server, operator) => {
    await operator.post('/keys/rotate')
    const { items } = (await operator.get('/keys')).body
    const next = (items as { kid: string; state: string }[]).find(({ state }) => state === 'next')
    return { path: `/keys/${next?.kid}` }
  },
  listAudit: at('/audit?limit=2'),
  exportAudit: at('/audit/export?from=0&to=9000000000'),
}

/** Stores a user with an authenticator app. @returns the id of the user */
async function newUserWithApp(server: TestServer): Promise<string> {
  return (await enrol(server, await server.addUser())).user.id
}

/** Stores a consent of a new user. */
async function newConsent(server: TestServer): Promise<{ id: string; subject: string }> {
  const [user, client] = [await server.addUser(), await server.addClient()]
  const consent = {
    subject: user.id,
    clientId: client.id,
    api: 'storefront',
    redirectUri: 'https://app.test/cb',
  }
  const id = await consentIdOf(consent)
  const given = { ...consent, id, scopes: ['cart'], issuedAt: server.clock.time }
  await server.services.consents.addition(given, NO_GUARD, server.clock.time).run()
  return { id, subject: user.id }
}

async function latestSession(subject: string): Promise<{ sid: string }> {
  const select = env.DB.prepare(
    `SELECT sid FROM audit_events WHERE subject = ? AND kind = 'issue' ORDER BY id DESC`,
  )
  return (await select.bind(subject).first<{ sid: string }>()) ?? { sid: '' }
}

import { runInDurableObject } from 'cloudflare:test'
import { decodeJwt } from 'jose'
import { expect } from 'vitest'
import { endBrowserSessions } from '../../src/browser/end_browser_sessions.ts'
import type { Place } from '../../src/lib/list_page.ts'
import { UNKNOWN_CALLER } from '../../src/lib/request_context.ts'
import type { StoredSession } from '../../src/sessions/session_list_store.ts'
import { ONE_FACTOR } from '../../src/signin/authentication_level.ts'
import { CALLBACK, CODE_CLIENT, exchangeOf, newCode } from './authorize.ts'
import { type IndexDatabases, serverWith } from './index_databases.ts'
import { TestOperator } from './operator.ts'
import type { TestClient, TestServer } from './server.ts'
import { consentOf, withdrawConsentOf } from './session_consents.ts'
import { objectOf } from './session_objects.ts'

const DAY = 86_400

/** A server whose sessions are in objects, a client of codes, and a user. */
export interface IndexShop {
  server: TestServer
  client: TestClient
  user: { id: string; username: string }
}

export async function newShop(
  databases: IndexDatabases,
  options?: Parameters<typeof serverWith>[1],
): Promise<IndexShop> {
  const server = serverWith(databases, options)
  const client = await server.addClient({ ...CODE_CLIENT, grants: [...CODE_CLIENT.grants, 'password'] })
  return { server, client, user: await server.addUser() }
}

/** The response to the exchange of a code, and the sid of the code. */
export async function exchangeCode(
  { server, client, user }: IndexShop,
  { continent = 'EU', hasConsent = false } = {},
): Promise<{ sid: string; response: Response }> {
  const sid = server.services.shards.newSid({ ...UNKNOWN_CALLER, continent })
  const auth = { time: server.clock.time, amr: ['pwd'], acr: ONE_FACTOR, browser: 'browser 1' }
  const consent = hasConsent ? { id: await consentOf(consentedBy({ client, user })), given: true } : null
  const code = await newCode(server, client, user.id, { sid, auth, consent })
  return { sid, response: await server.postJson(exchangeOf(client, code)) }
}

/** The sid of a session that a code opens. */
export async function openSession(
  shop: IndexShop,
  options?: Parameters<typeof exchangeCode>[1],
): Promise<string> {
  const { sid, response } = await exchangeCode(shop, options)
  expect(response.status).toBe(200)
  return sid
}

/** The sid of the session of a guest after its first refresh. */
export async function refreshGuest({ server, client }: IndexShop): Promise<string> {
  const tokens = await server.signIn(client, 'guest', 'guest')
  await server.refresh(client, tokens.refresh_token)
  return decodeJwt<{ sid: string }>(tokens.access_token).sid
}

/** Signs the user out in the browser of the sessions. */
export async function logOut({ server, user }: IndexShop): Promise<void> {
  const occasion = { clientId: null, services: server.services, context: server.context() }
  await endBrowserSessions({ subject: user.id, endsAt: server.clock.time + DAY }, ['browser 1'], occasion)
}

/** Withdraws the consent of the user. */
export async function withdraw({ server, client, user }: IndexShop): Promise<void> {
  const code = { ...consentedBy({ client, user }), sid: '', issuedAt: 0, at: 0, browser: null, text: '' }
  await withdrawConsentOf(server, { ...code, hasConsent: true })
}

/** Erases the user, as an operator and the cron trigger do. */
export async function erase({ server, user }: IndexShop): Promise<void> {
  const admin = await TestOperator.confirmed(server)
  expect((await admin.post(`/users/${user.id}/erase`, { username: user.username })).status).toBe(204)
  await server.cron()
}

type Owner = { subject: string | null; clientId: string | null }
type Reading = Record<'isDescending' | 'isBackwards', boolean> & { limit: number }

/** The sids of each page of a list of sessions in objects. */
export async function listPages(server: TestServer, owner: Owner, reading: Reading): Promise<string[][]> {
  const objects = server.services.shards.all().at(-1)
  const pages: string[][] = []
  let from: Place | null = null
  for (let isComplete = false; !isComplete; ) {
    const rows: StoredSession[] =
      (await objects?.list.list(owner, { sort: 'started_at', from, ...reading }, server.clock.time)) ?? []
    const shown = rows.slice(0, reading.limit)
    pages.push(shown.map(({ sid }) => sid))
    const last = shown.at(-1)
    isComplete = rows.length <= reading.limit || last === undefined
    if (last !== undefined) from = [last.startedAt, last.sid]
  }
  return pages
}

/** The sids of the sessions of a user, the newest first. */
export async function listSessionsOf({
  server,
  user,
}: Pick<IndexShop, 'server' | 'user'>): Promise<string[]> {
  const owner = { subject: user.id, clientId: null }
  return (await listPages(server, owner, { isDescending: true, isBackwards: false, limit: 50 })).flat()
}

/** Runs the alarm of the object of a session. */
export function runAlarm(sid: string): Promise<void> {
  return runInDurableObject(objectOf(sid), (instance) => instance.alarm())
}

function consentedBy({ client, user }: Pick<IndexShop, 'client' | 'user'>) {
  return { subject: user.id, clientId: client.id, redirectUri: CALLBACK }
}

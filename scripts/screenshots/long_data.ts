import { ClientAdminStore } from '../../src/clients/client_admin_store.ts'
import { fromDraft } from '../../src/clients/client_values.ts'
import type { Config } from '../../src/config/config.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { Env } from '../../src/services/environment.ts'
import { generateUserId } from '../../src/users/user.ts'
import { UserAdminStore } from '../../src/users/user_admin_store.ts'
import { UserDatabases } from '../../src/users/user_databases_store.ts'
import { BROWSER_GRANTS, LOCAL_CALLBACK, PARTNER_CLIENT, STOREFRONT_SCOPES } from '../demo_data.ts'
import { UserMaker } from '../make_user.ts'
import { giveConsent } from './code_flow.ts'

export const PASSWORD = 'correct horse battery staple'
/** 64 characters without a place for a line break. */
export const LONG_USERNAME = 'maximiliane.wolfeschlegelsteinhausenbergerdorff@shop.example.org'
export const LONG_CLIENT = 'storefront-of-the-northern-and-western-regions-for-resellers-001'
const LONG_CLIENT_PAGES = {
  policy_uri: 'https://resellers.northern-and-western-regions.shop.example/privacy',
  tos_uri: 'https://resellers.northern-and-western-regions.shop.example/terms',
}
const ROLES = Array.from({ length: 20 }, (_, i) => `regional-buyer-${String(i + 1).padStart(2, '0')}`)
const USERNAMES = ['yamada', '山田太郎', 'olafur', 'kim.minjun', 'ana', 'reineke']
/** Not as many as USERNAMES, so that each username has several names. */
const NAMES = ['山田 太郎', '김민준', '🦊 Reineke Fuchs', 'Ólafur Þór', 'محمد الفاتح']
/** The rows that one statement adds. */
const BATCH = 100

/** The ids of records with long values. */
export interface LongData {
  userId: string
  clientId: string
  /** A session of the user. */
  sid: string
}

/** The username of a user with a long record, of `addLongRecords`. */
export const usernameOf = (i: number) => `${USERNAMES[i % USERNAMES.length]}${i}`

/** Adds users and clients with long names, many roles, and names in several scripts. */
export async function addLongRecords(env: Env, config: Config, count: number): Promise<void> {
  await addUsers(env, config, count)
  const clients = new ClientAdminStore(env.DB)
  const now = systemClock.now()
  for (let i = 0; i < count; i++) {
    const id = i === 0 ? LONG_CLIENT : `partner-${String(i).padStart(3, '0')}`
    const values = fromDraft({
      client_id: id,
      ...(i === 0 && { redirect_uris: [LOCAL_CALLBACK], ...LONG_CLIENT_PAGES }),
      name: i === 0 ? 'The storefront of every reseller in the northern and western regions' : `Partner ${i}`,
      api: 'storefront',
      grants: ['password', ...(i === 0 ? BROWSER_GRANTS : [])],
      scopes: STOREFRONT_SCOPES,
      origins: i === 0 ? ['https://resellers.northern-and-western-regions.shop.example'] : [],
      confidential: false,
      enabled: i % 7 !== 3,
    })
    await clients.add(values, { secret: null, now }, [])
  }
}

async function addUsers(env: Env, config: Config, count: number): Promise<void> {
  const maker = new UserMaker({ ...config, breachedPasswords: null })
  const draft = {
    pool: 'customers',
    username: LONG_USERNAME,
    password: PASSWORD,
    roles: ROLES,
    enabled: true,
  }
  const long = await maker.make(draft)
  // All users share one hash, because each hash takes about 30 ms.
  const users = Array.from({ length: count }, (_, i) => ({
    ...long,
    id: generateUserId(),
    username: usernameOf(i),
    profile: { name: NAMES[i % NAMES.length], email: `customer.${i}@shop.example` },
    roles: ROLES.slice(0, i % 4),
    enabled: i % 7 !== 3,
    mustChangePassword: i % 11 === 5,
  }))
  const name = 'Maximiliane Wolfeschlegelsteinhausenbergerdorff, Zentraleinkauf Nord'
  const names = {
    name,
    given_name: 'Maximiliane',
    family_name: 'Wolfeschlegelsteinhausenbergerdorff',
    locale: 'de-DE',
  }
  const all = [...users, { ...long, profile: { ...names, email: LONG_USERNAME, email_verified: true } }]
  const store = new UserAdminStore(new UserDatabases(env.DB))
  for (let i = 0; i < all.length; i += BATCH) {
    await store.add(all.slice(i, i + BATCH), [])
  }
  await addPasskeys(env, long.id)
}

/** Adds passkeys that cannot sign in: one with a long name, and one that was not used. */
async function addPasskeys({ DB }: Env, subject: string): Promise<void> {
  const insert = DB.prepare(
    `INSERT INTO passkeys (id, credential_id, subject, pool, rp_id, public_key, alg, sign_count, transports, name,
       backup_eligible, backed_up, created_at, last_used_at)
     VALUES (?, ?, ?, 'customers', 'localhost', '{}', 'ES256', 0, '[]', ?, 1, 1, ?, ?)`,
  )
  const now = systemClock.now()
  const passkeys = [
    { name: 'Sicherheitsschlüsselverwaltungsanwendung auf dem Telefon (2)', usedAt: now - 3600 },
    { name: 'Chrome on Android', usedAt: null },
  ]
  const statements = passkeys.map(({ name, usedAt }) => {
    const id = crypto.randomUUID()
    return insert.bind(id, `credential-${id}`, subject, name, now - 86_400, usedAt)
  })
  await DB.batch(statements)
}

/** Signs users in, so that each list has rows, and makes consents, refreshes, a retry, a failure and a theft. */
export async function addLongSessions(origin: string, count: number): Promise<LongData> {
  const long = { client_id: LONG_CLIENT, username: LONG_USERNAME, password: PASSWORD }
  for (let i = 0; i < count; i++) {
    const guest = { client_id: 'storefront-public', username: 'guest', password: 'guest' }
    await signIn(origin, i % 10 === 0 ? long : guest, i)
  }
  await signIn(origin, { ...long, password: 'a wrong password' }, count)
  await replay(origin, await signIn(origin, long, count))
  for (const clientId of [LONG_CLIENT, PARTNER_CLIENT.id]) await giveConsent(origin, clientId, long)
  const tokens = await signIn(origin, long, count)
  for (let i = 0; i < 2; i++) await refresh(origin, tokens)
  const { sub, sid } = JSON.parse(
    Buffer.from(tokens.access_token.split('.')[1] ?? '', 'base64url').toString(),
  )
  return { userId: sub, clientId: LONG_CLIENT, sid }
}

/** Uses a refresh token again after its successor was used, as a thief does. */
async function replay(origin: string, first: Tokens): Promise<void> {
  await refresh(origin, await refresh(origin, first))
  await refresh(origin, first)
}

function refresh(origin: string, { refresh_token }: Tokens): Promise<Tokens> {
  return requestTokens(origin, { grant_type: 'refresh_token', client_id: LONG_CLIENT, refresh_token })
}

interface Tokens {
  access_token: string
  refresh_token: string
}

function signIn(origin: string, parameters: Record<string, string>, i: number): Promise<Tokens> {
  return requestTokens(origin, { grant_type: 'password', ...parameters }, i)
}

/** Requests tokens from an address of its own, because each address has a budget. */
async function requestTokens(origin: string, parameters: Record<string, string>, i = 0): Promise<Tokens> {
  const response = await fetch(`${origin}/oauth2-token`, {
    method: 'POST',
    headers: { 'CF-Connecting-IP': `198.51.${100 + Math.floor(i / 250)}.${1 + (i % 250)}` },
    body: new URLSearchParams(parameters),
  })
  return response.json()
}

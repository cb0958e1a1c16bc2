import type { Client } from '../src/clients/client.ts'
import { hashClientSecret } from '../src/clients/client_secret.ts'
import { ClientTableStore } from '../src/clients/client_table_store.ts'
import type { Config } from '../src/config/config.ts'
import { isLoopback } from '../src/config/origin.ts'
import { systemClock } from '../src/lib/clock.ts'
import type { ClientGrant } from '../src/oauth/grant_type.ts'
import type { Env } from '../src/services/services.ts'
import type { UserDraft } from '../src/users/create_user.ts'
import { UserAdminStore } from '../src/users/user_admin_store.ts'
import { UserStore } from '../src/users/user_store.ts'
import { UserMaker } from './make_user.ts'
import { OPERATOR_CLIENTS } from './operator_clients.ts'

export interface DemoClient {
  id: string
  secret: string | null
  api: string
  grants: ClientGrant[]
  scopes: string[]
  origins?: string[]
  accessTokenLifetimeSeconds?: number
}

export const STOREFRONT_SCOPES = ['cart', 'orders', 'catalog']
const BACKOFFICE_SCOPES = ['users', 'orders']

const CLIENTS: DemoClient[] = [
  {
    id: 'storefront-demo',
    secret: 'storefront-demo-secret',
    api: 'storefront',
    grants: ['password', 'client_credentials'],
    scopes: STOREFRONT_SCOPES,
  },
  {
    id: 'storefront-mobile',
    secret: 'storefront-mobile-secret',
    api: 'storefront',
    grants: ['password'],
    scopes: STOREFRONT_SCOPES,
  },
  {
    id: 'storefront-public',
    secret: null,
    api: 'storefront',
    grants: ['password'],
    scopes: STOREFRONT_SCOPES,
  },
  {
    id: 'backoffice-demo',
    secret: 'backoffice-demo-secret',
    api: 'backoffice',
    grants: ['password', 'client_credentials'],
    scopes: BACKOFFICE_SCOPES,
  },
  ...OPERATOR_CLIENTS.map((id) => ({
    id,
    secret: null,
    api: 'admin',
    grants: ['password' as const],
    scopes: [],
  })),
]

const CUSTOMER_PASSWORD = 'correct horse battery staple'

const USERS: UserDraft[] = [
  {
    pool: 'customers',
    username: 'amanda@example.com',
    password: CUSTOMER_PASSWORD,
    roles: [],
    enabled: true,
  },
  {
    pool: 'customers',
    username: 'disabled@example.com',
    password: CUSTOMER_PASSWORD,
    roles: [],
    enabled: false,
  },
  {
    pool: 'staff',
    username: 'admin',
    password: 'back office battery staple',
    roles: ['admin'],
    enabled: true,
  },
  {
    pool: 'staff',
    username: 'clerk',
    password: 'back office battery staple',
    roles: ['clerk'],
    enabled: true,
  },
  {
    pool: 'operators',
    username: 'operator',
    password: 'operator battery staple',
    roles: ['admin'],
    enabled: true,
  },
  {
    pool: 'operators',
    username: 'support',
    password: 'support battery staple',
    roles: ['support'],
    enabled: true,
  },
]

/**
 * Adds the demo clients and people that are missing. Their secrets are public, so a real server is refused.
 *
 * @param more Clients beside those above.
 */
export async function seedDemoData(
  env: Env,
  config: Config,
  more: readonly DemoClient[] = [],
): Promise<void> {
  if (!isLoopback(config.issuer))
    throw new Error(`demo data is for a loopback issuer, not for ${config.issuer}`)
  const now = systemClock.now()
  const clients = new ClientTableStore(env.DB)
  for (const demo of [...CLIENTS, ...more]) {
    if ((await clients.find(demo.id)) === null) await clients.add(await toClient(demo, now))
  }
  const users = new UserStore(env.DB)
  const userAdmin = new UserAdminStore(env.DB)
  // Everybody knows their passwords: no list is asked for them.
  const maker = new UserMaker({ ...config, breachedPasswords: null })
  for (const draft of USERS) {
    const present = await users.findByUsername(draft.pool, draft.username, 'primary')
    if (present !== null) continue
    await userAdmin.add([{ ...(await maker.make(draft)), profile: {} }], [])
  }
}

async function toClient({ secret, ...demo }: DemoClient, now: number): Promise<Client> {
  const secrets =
    secret === null ? [] : [{ hash: await hashClientSecret(secret), createdAt: now, expiresAt: null }]
  return {
    name: demo.id,
    origins: [],
    confidential: secret !== null,
    enabled: true,
    secrets,
    createdAt: now,
    accessTokenLifetimeSeconds: null,
    refreshTokenLifetimeSeconds: null,
    accessValidFrom: 0,
    ...demo,
  }
}

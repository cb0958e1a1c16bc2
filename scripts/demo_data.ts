import { ClientAdminStore } from '../src/clients/client_admin_store.ts'
import { generateSecretId, hashClientSecret, type NewSecret } from '../src/clients/client_secret.ts'
import { type ClientValues, fromDraft } from '../src/clients/client_values.ts'
import type { Config } from '../src/config/config.ts'
import { isLoopback } from '../src/config/origin.ts'
import { systemClock } from '../src/lib/clock.ts'
import type { ClientGrant } from '../src/oauth/grant_type.ts'
import type { Env } from '../src/services/environment.ts'
import type { UserDraft } from '../src/users/create_user.ts'
import type { Profile } from '../src/users/profile.ts'
import { UserAdminStore } from '../src/users/user_admin_store.ts'
import { UserDatabases } from '../src/users/user_databases_store.ts'
import { UserStore } from '../src/users/user_store.ts'
import { UserMaker } from './make_user.ts'
import { ensureOperatorClients, OPERATOR_CLIENT_IDS } from './operator_clients.ts'

/** A demo client. An absent field has the default of a new client. */
export type DemoClient = Pick<ClientValues, 'id' | 'api' | 'grants' | 'scopes'> &
  Omit<Partial<ClientValues>, 'confidential'> & {
    /** Null for a public client. */
    secret: string | null
  }

export const STOREFRONT_SCOPES = ['cart', 'orders', 'catalog']
/** The grants of a client that signs in users by browser. */
export const BROWSER_GRANTS: readonly ClientGrant[] = ['authorization_code', 'refresh_token']
/** An address on the user's machine, with any port. */
export const LOCAL_CALLBACK = 'http://127.0.0.1/callback'
/** Where the user goes after a logout. */
export const LOCAL_SIGNED_OUT = 'http://127.0.0.1/signed-out'
const BACKOFFICE_SCOPES = ['users', 'orders']

/** A third-party client: it needs the consent of each user. */
export const PARTNER_CLIENT = {
  id: 'demo-partner',
  name: 'Partner app',
  secret: null,
  api: 'storefront',
  grants: [...BROWSER_GRANTS],
  scopes: ['orders', 'catalog'],
  redirectUris: [LOCAL_CALLBACK],
} satisfies DemoClient

/** The origins at which the page of the MCP inspector can open. */
const MCP_INSPECTORS = ['http://localhost:6274', 'http://127.0.0.1:6274']

/** An AI agent on the user's machine. Its sign-ins add scopes to those that the user has allowed before. */
const AGENT_CLIENT = {
  id: 'demo-agent',
  name: 'Demo agent',
  secret: null,
  api: 'mcp',
  grants: [...BROWSER_GRANTS],
  scopes: ['catalog', 'cart', 'orders'],
  redirectUris: ['', '/oauth'].flatMap((path) =>
    ['http://127.0.0.1', 'http://localhost'].map((host) => `${host}${path}/callback`),
  ),
  origins: MCP_INSPECTORS,
  incrementalScopes: true,
} satisfies DemoClient

/** A UCP platform: a third-party client that asks only for the scope that it lacks. */
export const UCP_PLATFORM_CLIENT = {
  id: 'ucp-platform',
  name: 'UCP platform',
  secret: null,
  api: 'ucp',
  grants: [...BROWSER_GRANTS],
  scopes: ['dev.ucp.shopping.order:read', 'dev.ucp.shopping.cart:manage'],
  incrementalScopes: true,
} satisfies DemoClient

/** The client with which the UCP operations introspect tokens. */
export const UCP_API_CLIENT = {
  id: 'ucp-api',
  name: 'UCP operations of the storefront API',
  secret: 'ucp-api-secret',
  api: 'ucp',
  grants: ['client_credentials'],
  scopes: [],
} satisfies DemoClient

const CLIENTS: DemoClient[] = [
  {
    id: 'storefront-demo',
    name: 'Demo shop',
    secret: 'storefront-demo-secret',
    api: 'storefront',
    grants: ['password', 'client_credentials', ...BROWSER_GRANTS],
    scopes: STOREFRONT_SCOPES,
    redirectUris: [LOCAL_CALLBACK],
    postLogoutRedirectUris: [LOCAL_SIGNED_OUT],
    isFirstParty: true,
  },
  {
    id: 'storefront-mobile',
    name: 'Demo shop for phones',
    secret: 'storefront-mobile-secret',
    api: 'storefront',
    grants: ['password'],
    scopes: STOREFRONT_SCOPES,
  },
  {
    id: 'storefront-public',
    name: 'Demo shop in the browser',
    secret: null,
    api: 'storefront',
    grants: ['password', ...BROWSER_GRANTS],
    scopes: STOREFRONT_SCOPES,
    redirectUris: [LOCAL_CALLBACK],
    isFirstParty: true,
  },
  PARTNER_CLIENT,
  AGENT_CLIENT,
  {
    id: 'backoffice-demo',
    name: 'Demo back office',
    secret: 'backoffice-demo-secret',
    api: 'backoffice',
    grants: ['password', 'client_credentials'],
    scopes: BACKOFFICE_SCOPES,
  },
]

const CUSTOMER_PASSWORD = 'correct horse battery staple'

/** The operator of the demo data, an admin. */
export const DEMO_OPERATOR = { username: 'operator', password: 'operator battery staple' }

/** How to sign in to the console. */
export function describeOperator(): string {
  return `Sign in to the console as ${DEMO_OPERATOR.username} with the password: ${DEMO_OPERATOR.password}`
}

/** The profiles of demo users. The first one gets codes by mail. */
const PROFILES: Readonly<Record<string, Profile>> = {
  'amanda@example.com': { email: 'amanda@example.com', email_verified: true },
}

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
    ...DEMO_OPERATOR,
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
 * Adds the missing demo clients and users, and the clients of operators. Their secrets are public, so a server with another issuer than a loopback address is
 * refused.
 *
 * @param more Further clients. They replace demo clients with the same id.
 */
export async function seedDemoData(
  env: Env,
  config: Config,
  more: readonly DemoClient[] = [],
): Promise<void> {
  if (!isLoopback(config.issuer))
    throw new Error(`demo data is for a loopback issuer, not for ${config.issuer}`)
  const now = systemClock.now()
  const clients = new ClientAdminStore(env.DB)
  for (const demo of [...more, ...CLIENTS]) {
    if ((await clients.find(demo.id)) !== null) continue
    await clients.add(toClient(demo), { secret: await toSecret(demo), now }, [])
  }
  const { issuer, adminApi } = config
  if (adminApi !== null) {
    const present = await clients.findMany(OPERATOR_CLIENT_IDS)
    await ensureOperatorClients(clients, present, { issuer, adminApi, now })
  }
  const databases = new UserDatabases(env.DB)
  const users = new UserStore(databases)
  const userAdmin = new UserAdminStore(databases)
  // Their passwords are public, so they are not checked against known breaches.
  const maker = new UserMaker({ ...config, breachedPasswords: null })
  for (const draft of USERS) {
    const present = await users.findByUsername(draft.pool, draft.username, 'primary')
    if (present !== null) continue
    await userAdmin.add([{ ...(await maker.make(draft)), profile: PROFILES[draft.username] ?? {} }], [])
  }
}

function toClient({ secret, ...demo }: DemoClient): ClientValues {
  const { id: client_id, api, grants } = demo
  return { ...fromDraft({ client_id, api, grants, confidential: secret !== null }), ...demo }
}

async function toSecret({ secret }: DemoClient): Promise<NewSecret | null> {
  return secret === null ? null : { id: generateSecretId(), hash: await hashClientSecret(secret) }
}

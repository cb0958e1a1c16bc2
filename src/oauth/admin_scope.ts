/**
 * The scopes of the admin API, with their descriptions. A service account may call exactly the operations of its scopes. The
 * API of the operators always has these scopes, also if config.yml does not list them.
 */
export const ADMIN_SCOPES = {
  'users:read': 'Read users, except operators',
  'users:write': 'Create, change, disable and delete users and set passwords, except of operators',
  'clients:read': 'Read clients',
  'clients:write': 'Create, change, disable and delete clients, except clients of the admin API',
  'sessions:read': 'Read sessions and timelines',
  'sessions:end': 'End sessions and sign out users, except operators',
  'audit:read': 'Read the audit trail',
  'keys:write': 'List, rotate and reseal signing keys',
  'statistics:read': 'Read the statistics',
} as const

export type AdminScope = keyof typeof ADMIN_SCOPES

export const ADMIN_SCOPE_NAMES = Object.keys(ADMIN_SCOPES) as AdminScope[]

export function isAdminScope(scope: unknown): scope is AdminScope {
  return typeof scope === 'string' && Object.hasOwn(ADMIN_SCOPES, scope)
}

import { withoutSlash } from '../lib/exact_uri.ts'
import { accountKeys, accountRules } from './accounts_schema.ts'
import { across } from './across.ts'
import { agentKeys, agentRules } from './agents_schema.ts'
import { apiKeys, apiRules } from './api_schema.ts'
import { auditKeys } from './audit_schema.ts'
import { breachedPasswordKeys } from './breached_passwords_schema.ts'
import { browserSessionKeys } from './browser_session_schema.ts'
import { burstLimitKeys } from './burst_limits_schema.ts'
import { challengeKeys } from './challenge_schema.ts'
import { corsKeys } from './cors_schema.ts'
import { issuerKeys } from './issuer_schema.ts'
import { type FileOf, mapping, type ValuesOf } from './key.ts'
import { keyKeys } from './key_schema.ts'
import { mailKeys } from './mail_schema.ts'
import { isLoopback } from './origin.ts'
import { passwordKeys } from './password_schema.ts'
import { sessionKeys } from './session_schema.ts'
import { signInLimitKeys } from './sign_in_limits_schema.ts'
import { tokenKeys } from './token_schema.ts'
import { userDatabaseKeys, userDatabaseRules } from './user_databases_schema.ts'

/** The areas of config.yml, by their names in docs/configuration.md. A key that OroCommerce has too has the same name. */
export const CONFIG_AREAS = {
  issuer: issuerKeys,
  apis: apiKeys,
  agents: agentKeys,
  'signing keys': keyKeys,
  tokens: tokenKeys,
  sessions: sessionKeys,
  users: userDatabaseKeys,
  'browser sessions': browserSessionKeys,
  accounts: accountKeys,
  mail: mailKeys,
  'audit trail': auditKeys,
  passwords: passwordKeys,
  'breached passwords': breachedPasswordKeys,
  challenges: challengeKeys,
  'sign-in limits': signInLimitKeys,
  'burst limits': burstLimitKeys,
  cors: corsKeys,
}

const CONFIG_KEYS = {
  ...issuerKeys,
  ...apiKeys,
  ...agentKeys,
  ...keyKeys,
  ...tokenKeys,
  ...sessionKeys,
  ...userDatabaseKeys,
  ...browserSessionKeys,
  ...accountKeys,
  ...mailKeys,
  ...auditKeys,
  ...passwordKeys,
  ...breachedPasswordKeys,
  ...challengeKeys,
  ...signInLimitKeys,
  ...burstLimitKeys,
  ...corsKeys,
}

type ConfigFile = FileOf<typeof CONFIG_KEYS>

/** The values of all keys of config.yml. `Config` is derived from them. */
export type Settings = ValuesOf<typeof CONFIG_KEYS>

const LOOPBACK = 'must not be a loopback address if the issuer is not a loopback address'

const isReachable = (url: string | undefined, issuer: string) =>
  url === undefined || !isLoopback(url) || isLoopback(issuer)

const hasPool = (apis: ConfigFile['apis'], pool: string) =>
  Object.values(apis).some((api) => api.users === pool)

/** The check of config.yml. */
export const configCheck = mapping(CONFIG_KEYS, [
  ...apiRules,
  ...agentRules,
  ...accountRules,
  ...userDatabaseRules,
  across<ConfigFile>(
    (file) => Object.values(file.apis).every((api) => withoutSlash(api.audience) !== file.issuer),
    'apis',
    'must not have the issuer as an audience, because it is the audience of refresh tokens',
  ),
  across<ConfigFile>(
    (file) => Object.keys(file.browser_sessions).every((pool) => hasPool(file.apis, pool)),
    'browser_sessions',
    'must list only pools that an API names as users',
  ),
  across<ConfigFile>(
    (file) => isReachable(file.breached_passwords?.range_url, file.issuer),
    'breached_passwords.range_url',
    LOOPBACK,
  ),
  across<ConfigFile>(
    (file) => isReachable(file.challenge?.verify_url, file.issuer),
    'challenge.verify_url',
    LOOPBACK,
  ),
  across<ConfigFile>((file) => isReachable(file.mail?.url, file.issuer), 'mail.url', LOOPBACK),
])

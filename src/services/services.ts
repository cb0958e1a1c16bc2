import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import { type AccountServices, createAccountServices } from './account_services.ts'
import { type AuditServices, createAuditServices } from './audit_services.ts'
import { type AuthorizationServices, createAuthorizationServices } from './authorization_services.ts'
import { type ChallengeServices, createChallengeServices } from './challenge_services.ts'
import { type ClientServices, createClientServices } from './client_services.ts'
import { createDpopServices, type DpopServices } from './dpop_services.ts'
import { createEmailCodeServices, type EmailCodeServices } from './email_code_services.ts'
import type { Environment } from './environment.ts'
import { createFactorServices, type FactorServices } from './factor_services.ts'
import { createKeyServices, type KeyServices } from './key_services.ts'
import { createMailServices, type MailServices } from './mail_services.ts'
import { createNotificationServices, type NotificationServices } from './notification_services.ts'
import { createOneTimeServices, type OneTimeServices } from './one_time_services.ts'
import { createPasskeyServices, type PasskeyServices } from './passkey_services.ts'
import { createSessionServices, type SessionServices } from './session_services.ts'
import { createSignInServices, type SignInServices } from './sign_in_services.ts'
import { createStorageServices, type StorageServices } from './storage_services.ts'
import { createUserServices, type UserServices } from './user_services.ts'

/** The stores and rules of one isolate of the token service. Each feature creates its own services. */
export interface Services
  extends StorageServices,
    AuditServices,
    ClientServices,
    OneTimeServices,
    MailServices,
    NotificationServices,
    UserServices,
    KeyServices,
    DpopServices,
    SessionServices,
    SignInServices,
    FactorServices,
    EmailCodeServices,
    PasskeyServices,
    ChallengeServices,
    AuthorizationServices,
    AccountServices {
  config: Config
  clock: Clock
}

/** Creates the services of one isolate. */
export function createServices(environment: Environment, config: Config, clock: Clock): Services {
  const storage = createStorageServices(environment, config, clock)
  const audit = createAuditServices(environment, config, storage)
  const clients = createClientServices(environment, config, storage)
  const users = createUserServices(environment, config, storage)
  const oneTime = createOneTimeServices(environment)
  const mail = createMailServices(environment, config, storage)
  const base = { ...storage, ...audit, ...clients, ...oneTime, ...mail, ...users }
  const shared = { ...base, ...createNotificationServices(environment, config, base) }
  const keys = createKeyServices(environment, config, shared)
  const sessions = createSessionServices(environment, config, { ...shared, ...keys })
  const signIn = createSignInServices(environment, config, { ...shared, ...sessions })
  const factors = createFactorServices(environment, { ...shared, ...signIn })
  const emailCodes = createEmailCodeServices(environment, config, { ...shared, ...signIn, ...factors })
  const accounts = createAccountServices(environment, config, { ...shared, ...signIn, ...emailCodes })
  const passkeys = createPasskeyServices(environment, config, shared)
  const authorization = createAuthorizationServices(environment, users)
  return {
    config,
    clock,
    ...shared,
    ...keys,
    ...createDpopServices(environment),
    ...sessions,
    ...signIn,
    ...factors,
    ...emailCodes,
    ...passkeys,
    ...createChallengeServices(environment, shared),
    ...authorization,
    ...accounts,
  }
}

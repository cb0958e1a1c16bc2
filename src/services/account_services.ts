import { AccountDeletion } from '../accounts/account_deletion.ts'
import { SignUps } from '../accounts/sign_up.ts'
import type { Config } from '../config/config.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import type { AuditServices } from './audit_services.ts'
import type { EmailCodeServices } from './email_code_services.ts'
import type { Environment } from './environment.ts'
import type { MailServices } from './mail_services.ts'
import type { NotificationServices } from './notification_services.ts'
import type { OneTimeServices } from './one_time_services.ts'
import type { SignInServices } from './sign_in_services.ts'
import type { StorageServices } from './storage_services.ts'
import type { UserServices } from './user_services.ts'

type Dependencies = StorageServices &
  AuditServices &
  OneTimeServices &
  MailServices &
  UserServices &
  SignInServices &
  EmailCodeServices &
  NotificationServices

export type AccountServices = ReturnType<typeof createAccountServices>

/** Creates the rules of accounts: sign-up and deletion. */
export function createAccountServices(
  { sealingKeys }: Environment,
  config: Config,
  { mailedCodes: codes, ...shared }: Dependencies,
) {
  const names = new KeyedHash(sealingKeys[0], 'sallyport sign-ups')
  return {
    deletion: new AccountDeletion(shared),
    signUps: new SignUps({ ...shared, codes, names, config }),
  }
}

import { AccountLinks } from '../accounts/account_links.ts'
import { AddressChanges } from '../accounts/address_changes.ts'
import { PasswordLinks } from '../accounts/password_links.ts'
import { SignUps } from '../accounts/sign_up.ts'
import type { Config } from '../config/config.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import type { AuditServices } from './audit_services.ts'
import type { EmailCodeServices } from './email_code_services.ts'
import type { Environment } from './environment.ts'
import type { MailServices } from './mail_services.ts'
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
  EmailCodeServices

export type AccountServices = ReturnType<typeof createAccountServices>

/** Creates the rules of accounts: the links in mails, and sign-up. */
export function createAccountServices(
  { sealingKeys }: Environment,
  config: Config,
  { mailedCodes: codes, ...shared }: Dependencies,
) {
  const { oneTime, userAdmin } = shared
  const sealer = new TextSealer(sealingKeys, 'sallyport account links')
  const names = new KeyedHash(sealingKeys[0], 'sallyport sign-ups')
  const links = new AccountLinks({ sealer, oneTime, userAdmin, issuer: config.issuer })
  const linkNames = new KeyedHash(sealingKeys[0], 'sallyport password links')
  return {
    links,
    addressChanges: new AddressChanges({ ...shared, links }),
    passwordLinks: new PasswordLinks({ ...shared, links, names: linkNames }),
    signUps: new SignUps({ ...shared, codes, names, config }),
  }
}

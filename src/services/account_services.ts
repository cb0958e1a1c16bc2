import { AccountLinks } from '../accounts/account_links.ts'
import { PasswordLinks } from '../accounts/password_links.ts'
import type { Config } from '../config/config.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import type { Environment } from './environment.ts'
import type { MailServices } from './mail_services.ts'
import type { OneTimeServices } from './one_time_services.ts'
import type { StorageServices } from './storage_services.ts'
import type { UserServices } from './user_services.ts'

type Dependencies = StorageServices & OneTimeServices & MailServices & UserServices

export type AccountServices = ReturnType<typeof createAccountServices>

/** Creates the rules of accounts: the links in mails. */
export function createAccountServices(
  { sealingKeys }: Environment,
  { issuer }: Config,
  { oneTime, userAdmin, users, mailer, bursts }: Dependencies,
) {
  const sealer = new TextSealer(sealingKeys, 'sallyport account links')
  const links = new AccountLinks({ sealer, oneTime, userAdmin, issuer })
  const names = new KeyedHash(sealingKeys[0], 'sallyport password links')
  return { links, passwordLinks: new PasswordLinks({ links, users, mailer, bursts, names }) }
}

import { AccountLinks } from '../accounts/account_links.ts'
import type { Config } from '../config/config.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import type { Environment } from './environment.ts'
import type { OneTimeServices } from './one_time_services.ts'
import type { UserServices } from './user_services.ts'

export type AccountServices = ReturnType<typeof createAccountServices>

/** Creates the rules of accounts: the links in mails. */
export function createAccountServices(
  { sealingKeys }: Environment,
  { issuer }: Config,
  { oneTime, userAdmin }: OneTimeServices & UserServices,
) {
  const sealer = new TextSealer(sealingKeys, 'sallyport account links')
  return { links: new AccountLinks({ sealer, oneTime, userAdmin, issuer }) }
}

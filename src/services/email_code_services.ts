import type { Config } from '../config/config.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import { EmailCodes } from '../signin/email_codes.ts'
import { EmailSecondFactor } from '../signin/email_second_factor.ts'
import { MailedCodes } from '../signin/mailed_codes.ts'
import type { Environment } from './environment.ts'
import type { FactorServices } from './factor_services.ts'
import type { MailServices } from './mail_services.ts'
import type { OneTimeServices } from './one_time_services.ts'
import type { SignInServices } from './sign_in_services.ts'
import type { StorageServices } from './storage_services.ts'
import type { UserServices } from './user_services.ts'

type Dependencies = StorageServices &
  OneTimeServices &
  MailServices &
  UserServices &
  SignInServices &
  FactorServices

export type EmailCodeServices = ReturnType<typeof createEmailCodeServices>

/** Creates the codes in mails, and the sign-in by them. */
export function createEmailCodeServices(
  { sealingKeys: [key] }: Environment,
  config: Config,
  shared: Dependencies,
) {
  const { oneTime, users, userAdmin, factors, failures, guard, bursts, mailer } = shared
  const names = new KeyedHash(key, 'sallyport email codes')
  const mailedCodes = new MailedCodes({ oneTime, failures, guard, bursts })
  const emailCodes = new EmailCodes({ codes: mailedCodes, users, factors, failures, guard, mailer, names })
  const emailSecondFactor = new EmailSecondFactor({
    codes: mailedCodes,
    factors,
    failures,
    guard,
    mailer,
    userAdmin,
    config,
  })
  return { mailedCodes, emailCodes, emailSecondFactor }
}

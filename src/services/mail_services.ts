import type { Config } from '../config/config.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import { MailBudget } from '../mail/mail_budget.ts'
import { MailBudgetStore } from '../mail/mail_budget_store.ts'
import { Mailer } from '../mail/mailer.ts'
import type { Environment } from './environment.ts'

export type MailServices = ReturnType<typeof createMailServices>

/** Creates the services of mails. */
export function createMailServices({ env, db, sealingKeys }: Environment, { mail }: Config) {
  const mailBudgets = new MailBudgetStore(db)
  const mailSealer = new TextSealer(sealingKeys, 'sallyport mails')
  const names = new KeyedHash(sealingKeys[0], 'sallyport mail budgets')
  const queue = env.MAIL_QUEUE
  return {
    mailBudgets,
    mailSealer,
    mailer: new Mailer(
      mail === null || queue === undefined
        ? null
        : {
            queue,
            sealer: mailSealer,
            budget: new MailBudget({ store: mailBudgets, names, limits: mail.budgets }),
          },
    ),
  }
}

import type { Config } from '../config/config.ts'
import type { MailSettings } from '../config/mail_schema.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import { BindingDriver } from '../mail/binding_driver.ts'
import type { DeliveryParts } from '../mail/deliver_mails.ts'
import { InboxStore } from '../mail/inbox_store.ts'
import { en } from '../mail/languages/en.ts'
import { MailBudget } from '../mail/mail_budget.ts'
import { MailBudgetStore } from '../mail/mail_budget_store.ts'
import type { MailDriver } from '../mail/mail_driver.ts'
import { Mailer } from '../mail/mailer.ts'
import { parseWebhookSecrets, WebhookDriver } from '../mail/webhook_driver.ts'
import { TextStore } from '../storage/text_store.ts'
import { type Environment, hasLocalInbox } from './environment.ts'
import type { StorageServices } from './storage_services.ts'

export type MailServices = ReturnType<typeof createMailServices>

/** Creates the services of mails. */
export function createMailServices(
  { env, db, kv, sealingKeys }: Environment,
  config: Config,
  { staticFiles }: StorageServices,
) {
  const { mail, apis } = config
  const mailBudgets = new MailBudgetStore(db)
  const sealer = new TextSealer(sealingKeys, 'sallyport mails')
  const names = new KeyedHash(sealingKeys[0], 'sallyport mail budgets')
  const queue = env.MAIL_QUEUE
  /** The mails of a local server; null on every other server. */
  const inbox = hasLocalInbox(env, config) ? new InboxStore(kv) : null
  const driver = inbox ?? (mail === null ? null : driverOf(mail, env))
  const texts = new TextStore(staticFiles, 'mails', en)
  const parts: Omit<DeliveryParts, 'notifications'> | null =
    mail === null || driver === null ? null : { sealer, driver, looks: { apis, mail }, texts }
  return {
    mailBudgets,
    inbox,
    /** Null if config.yml has no `mail`. */
    mailParts: parts,
    mailer: new Mailer(
      mail === null || queue === undefined
        ? null
        : { queue, sealer, budget: new MailBudget({ store: mailBudgets, names, limits: mail.budgets }) },
    ),
  }
}

/** The driver of config.yml. `requireEnvironment` has checked its binding and its secret. */
function driverOf({ driver, url }: MailSettings, env: Environment['env']): MailDriver | null {
  if (driver === 'binding') return env.EMAIL === undefined ? null : new BindingDriver(env.EMAIL)
  const secrets = parseWebhookSecrets(env.MAIL_SECRET ?? '')
  return url === null || secrets === null ? null : new WebhookDriver(url, secrets)
}

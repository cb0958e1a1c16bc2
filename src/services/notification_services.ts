import { AccountLinks } from '../accounts/account_links.ts'
import { KnownOriginStore } from '../accounts/known_origin_store.ts'
import { KnownOrigins } from '../accounts/known_origins.ts'
import { Notifications } from '../accounts/notifications.ts'
import type { Config } from '../config/config.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import type { AuditServices } from './audit_services.ts'
import type { Environment } from './environment.ts'
import type { MailServices } from './mail_services.ts'
import type { OneTimeServices } from './one_time_services.ts'
import type { StorageServices } from './storage_services.ts'
import type { UserServices } from './user_services.ts'

type Dependencies = StorageServices & OneTimeServices & UserServices & MailServices & AuditServices

export type NotificationServices = ReturnType<typeof createNotificationServices>

/** Creates the links in mails, the known origins of sign-ins and the notifications. Other features send notifications. */
export function createNotificationServices(
  { db, sealingKeys: [key, ...olderKeys] }: Environment,
  { issuer }: Config,
  { deferred, oneTime, userAdmin, mailer, mailParts, audit }: Dependencies,
) {
  const sealer = new TextSealer([key, ...olderKeys], 'sallyport account links')
  const links = new AccountLinks({ sealer, oneTime, userAdmin, issuer })
  const knownOriginStore = new KnownOriginStore(db)
  const nameBy = (secret: Uint8Array) => new KeyedHash(secret, 'sallyport known origins')
  const names = [nameBy(key), ...olderKeys.map(nameBy)] as const
  const knownOrigins = new KnownOrigins({ store: knownOriginStore, names, deferred })
  const notifications = new Notifications({ mailer, userAdmin, links, knownOrigins, oneTime, audit })
  return {
    links,
    knownOrigins,
    knownOriginStore,
    notifications,
    /** Null if config.yml has no `mail`. */
    mailDelivery: mailParts === null ? null : { ...mailParts, notifications },
  }
}

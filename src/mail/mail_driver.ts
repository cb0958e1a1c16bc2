import type { RenderedMail } from './render_mail.ts'

/** The result of one delivery. A reason is for the log: it has no address and no text of the mail. */
export type Delivery =
  | { outcome: 'delivered' }
  /** The mail service refuses the mail for good. */
  | { outcome: 'dropped'; reason: string }
  | { outcome: 'failed'; reason: string }

export const DELIVERED: Delivery = { outcome: 'delivered' }

/** A way to a mail service. */
export interface MailDriver {
  /** @param now Unix seconds. @throws any error, as a failed delivery */
  deliver(mail: RenderedMail, now: number): Promise<Delivery>
}

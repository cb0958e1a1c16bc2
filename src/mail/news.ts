import type { RequestContext } from '../lib/request_context.ts'
import type { Mail } from './mail.ts'

type Notification = Extract<Mail, { endSessionsLink: string }>
type WithoutRecipient<M> = M extends Notification
  ? Omit<M, 'to' | 'language' | 'pool' | 'api' | 'endSessionsLink'>
  : never

/** An event in the account of a user, about which the user gets a mail. */
export type News = WithoutRecipient<Notification>

/** The user of an event, and its client for the audit trail. */
export interface Concerned {
  subject: string
  /** The API whose branding the mail has; null for that of the first API of the pool. */
  api: string | null
  clientId: string | null
  /** The session of the event; absent without one. */
  sid?: string | null
  /** The recipient; absent for the verified address of the user. */
  to?: string
}

/** Notifies users by mail. */
export interface Notifier {
  /**
   * Sends a mail after the response. Without `mail` in config.yml, and to a user without a verified address, it sends none. It does
   * not throw.
   */
  send(concerned: Concerned, news: News, context: RequestContext): void
}

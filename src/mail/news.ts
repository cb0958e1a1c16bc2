import * as z from 'zod/mini'
import { LANGUAGES } from '../lib/language.ts'
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

/** News in the queue. Its mail follows later, unless a one-time value was used until then. Times are Unix seconds. */
export const delayedNewsSchema = z.object({
  /** The id of the one-time value. */
  unlessUsed: z.string(),
  queuedAt: z.int(),
  /** The language of the request; null if the request names none. */
  language: z.nullable(z.enum(LANGUAGES)),
  concerned: z.object({ subject: z.string(), api: z.string(), clientId: z.string() }),
  news: z.object({
    kind: z.literal('more_needed'),
    at: z.int(),
    device: z.nullable(z.string()),
    country: z.nullable(z.string()),
  }),
})
export type DelayedNews = z.output<typeof delayedNewsSchema>

/** Sends the mails of delayed news. */
export interface DelayedNotifier {
  /** Sends the mail, unless the one-time value was used. @throws StorageUnavailable, CorruptRecord */
  sendDelayed(delayed: DelayedNews, context: RequestContext): Promise<void>
}

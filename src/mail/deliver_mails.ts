import * as z from 'zod/mini'
import { describeError, log } from '../lib/log.ts'
import { type RequestContext, UNKNOWN_CALLER } from '../lib/request_context.ts'
import type { Sealer } from '../lib/sealer.ts'
import type { TextStore } from '../storage/text_store.ts'
import type { MailTexts } from './languages/en.ts'
import { MAIL_KINDS, type QueuedMail, queuedMailSchema } from './mail.ts'
import type { Delivery, MailDriver } from './mail_driver.ts'
import { type DelayedNews, type DelayedNotifier, delayedNewsSchema } from './news.ts'
import { type MailLooks, renderMail } from './render_mail.ts'

/** A sealed mail in the queue. `attempts` begins with 1. */
export interface MailMessage {
  readonly body: unknown
  readonly attempts: number
  ack(): void
  retry(options: { delaySeconds: number }): void
}

/** The parts of the delivery. */
export interface DeliveryParts {
  sealer: Sealer
  driver: MailDriver
  looks: MailLooks
  texts: TextStore<MailTexts>
  notifications: DelayedNotifier
}

/** The time of the delivery, in Unix seconds, and the end of its work. */
type DeliveryContext = Pick<RequestContext, 'now' | 'waitUntil'>

const messageSchema: z.ZodMiniType<QueuedMail | DelayedNews> = z.union([queuedMailSchema, delayedNewsSchema])

const FIRST_DELAY_SECONDS = 5
const LONGEST_DELAY_SECONDS = 3600

/** Delivers the mails of a batch. A failed mail is tried again until its code or link has expired. Never throws. */
export async function deliverMails(
  messages: readonly MailMessage[],
  parts: DeliveryParts,
  context: DeliveryContext,
): Promise<void> {
  await Promise.all(messages.map((message) => deliverOne(message, parts, context)))
}

/** Removes the mails of a batch from the queue, if `mail` was removed from config.yml. */
export function dropMails(messages: readonly MailMessage[]): void {
  for (const message of messages) {
    log('error', 'mail_dropped', { reason: 'config.yml has no mail', attempts: message.attempts })
    message.ack()
  }
}

async function deliverOne(
  message: MailMessage,
  parts: DeliveryParts,
  context: DeliveryContext,
): Promise<void> {
  const { now } = context
  const queued = await openMessage(message.body, parts.sealer)
  if (queued === null) return drop(message, null, 'no sealing key opens it')
  if ('news' in queued) return sendDelayed(message, queued, { parts, context })
  const expiresAt = queued.queuedAt + MAIL_KINDS[queued.mail.kind].usefulSeconds
  if (now >= expiresAt) return drop(message, queued, 'it is too old')
  const delivery = await tryDelivery(queued, parts, now)
  switch (delivery.outcome) {
    case 'delivered':
      return message.ack()
    case 'dropped':
      return drop(message, queued, delivery.reason)
    case 'failed':
      return tryLater(message, factsOf(message, queued), delivery.reason)
  }
}

function openMessage(body: unknown, sealer: Sealer): Promise<QueuedMail | DelayedNews | null> {
  return typeof body === 'string' ? sealer.openValue(body, messageSchema) : Promise.resolve(null)
}

/** Sends the mail of delayed news. The mail is a message of its own. */
async function sendDelayed(
  message: MailMessage,
  delayed: DelayedNews,
  { parts: { notifications }, context }: { parts: DeliveryParts; context: DeliveryContext },
): Promise<void> {
  const { kind } = delayed.news
  const facts = { kind, attempts: message.attempts }
  if (context.now >= delayed.queuedAt + MAIL_KINDS[kind].usefulSeconds)
    return drop(message, null, 'it is too old')
  try {
    await notifications.sendDelayed(delayed, { ...UNKNOWN_CALLER, ...context })
    message.ack()
  } catch (error) {
    tryLater(message, facts, describeError(error))
  }
}

function tryLater(message: MailMessage, facts: Record<string, unknown>, reason: string): void {
  const delaySeconds = delayAfter(message.attempts)
  log('warn', 'mail_delayed', { ...facts, reason, delaySeconds })
  message.retry({ delaySeconds })
}

async function tryDelivery(
  queued: QueuedMail,
  { driver, looks, texts }: DeliveryParts,
  now: number,
): Promise<Delivery> {
  try {
    const found = await texts.find(queued.mail.language)
    return await driver.deliver(renderMail(queued, looks, found), now)
  } catch (error) {
    return { outcome: 'failed', reason: describeError(error) }
  }
}

/** Twice as long after each attempt. @param attempts The number of attempts until now. */
function delayAfter(attempts: number): number {
  return Math.min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2 ** (attempts - 1))
}

function drop(message: MailMessage, queued: QueuedMail | null, reason: string): void {
  log('error', 'mail_dropped', { ...factsOf(message, queued), reason })
  message.ack()
}

/** The facts of a mail for the log: no address and no text. */
function factsOf({ attempts }: MailMessage, queued: QueuedMail | null) {
  return { id: queued?.id, kind: queued?.mail.kind, attempts }
}

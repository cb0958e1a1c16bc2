import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { DELIVERED, type Delivery, type MailDriver } from './mail_driver.ts'
import type { RenderedMail } from './render_mail.ts'

const PREFIX = 'inbox:'

/** A mail is kept for a day. */
const KEPT_SECONDS = 86_400

/** The number of mails that the inbox shows. */
const MAX_LISTED = 100

const listedSchema = z.object({ to: z.string(), subject: z.string(), queuedAt: z.int() })

const keptSchema = z.object({
  from: z.object({ name: z.string(), address: z.string() }),
  to: z.string(),
  language: z.string(),
  queuedAt: z.int(),
  subject: z.string(),
  text: z.string(),
  html: z.string(),
})

export type KeptMail = z.output<typeof keptSchema>

/** A mail in the list of the inbox. */
export interface ListedMail extends z.output<typeof listedSchema> {
  id: string
}

/** The mails of a local server, in KV. It is the driver of local servers, in place of a mail service. */
export class InboxStore implements MailDriver {
  readonly #kv: KVNamespace

  constructor(kv: KVNamespace) {
    this.#kv = kv
  }

  async deliver(mail: RenderedMail): Promise<Delivery> {
    const { id, to, subject, queuedAt } = mail
    const options = { expirationTtl: KEPT_SECONDS, metadata: { to, subject, queuedAt } }
    await callStore('KV inbox', () => this.#kv.put(PREFIX + id, JSON.stringify(mail), options))
    return DELIVERED
  }

  /** The mails, newest first. @throws StorageUnavailable, CorruptRecord */
  async list(): Promise<ListedMail[]> {
    const { keys } = await callStore('KV inbox', () => this.#kv.list({ prefix: PREFIX }))
    return keys
      .map(({ name, metadata }) => ({
        id: name.slice(PREFIX.length),
        ...decodeRecord(listedSchema, 'mail in the inbox', metadata),
      }))
      .sort((a, b) => b.queuedAt - a.queuedAt || b.id.localeCompare(a.id))
      .slice(0, MAX_LISTED)
  }

  /** One mail; null for an unknown id. @throws StorageUnavailable, CorruptRecord */
  async find(id: string): Promise<KeptMail | null> {
    const text = await callStore('KV inbox', () => this.#kv.get(PREFIX + id))
    return text === null
      ? null
      : decodeRecord(keptSchema, 'mail in the inbox', parseJsonColumn('mail in the inbox', text))
  }
}

import { isEmail } from '@sallyport/formats/email'
import { randomId } from '../lib/bytes.ts'
import { describeError, log } from '../lib/log.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import type { Sealer } from '../lib/sealer.ts'
import type { Mail, NoMail, QueuedMail } from './mail.ts'
import type { MailBudget, Spender } from './mail_budget.ts'
import type { DelayedNews } from './news.ts'

const ID_BYTES = 16

/** The queue of sealed mails (`MAIL_QUEUE`). */
export interface MailQueue {
  send(sealed: string, options?: { delaySeconds: number }): Promise<unknown>
}

interface MailerParts {
  queue: MailQueue
  sealer: Sealer
  budget: MailBudget
}

/** Sends mails after the response. No method throws, because a response must not depend on a mail. */
export class Mailer {
  readonly #parts: MailerParts | null

  /** @param parts Null if config.yml has no `mail`: then no mail is sent. */
  constructor(parts: MailerParts | null) {
    this.#parts = parts
  }

  /**
   * Puts a mail into the queue after the response, if the budgets allow it. Call it with the kind `nothing` where an address has no
   * account: the same rows are written.
   *
   * @param spender Whose budgets the mail uses, in addition to that of the address.
   */
  send(mail: Mail | NoMail, context: RequestContext, spender: Spender = {}): void {
    const parts = this.#parts
    if (parts !== null) runLater(context, 'mail', () => enqueue(parts, { mail, context, spender }))
  }

  /** Whether mails are sent at all. */
  get isOn(): boolean {
    return this.#parts !== null
  }

  /** As `send`, for work that runs after the response and needs the outcome. */
  async enqueue(mail: Mail, context: RequestContext): Promise<MailOutcome> {
    return this.#parts === null ? 'not_queued' : enqueue(this.#parts, { mail, context, spender: {} })
  }

  /** Puts news into the queue, for work that runs after the response. Its mail uses a budget when it is sent. */
  async delay(news: DelayedNews, delaySeconds: number): Promise<MailOutcome> {
    if (this.#parts === null) return 'not_queued'
    const { queue, sealer } = this.#parts
    try {
      await queue.send(await sealer.sealValue(news), { delaySeconds })
      return 'queued'
    } catch (error) {
      log('error', 'mail_not_queued', { kind: news.news.kind, cause: describeError(error) })
      return 'not_queued'
    }
  }
}

/** Whether a mail is in the queue, or was refused by its budget, or was lost. */
export type MailOutcome = 'queued' | 'over_budget' | 'not_queued'

interface Sending {
  mail: Mail | NoMail
  context: RequestContext
  spender: Spender
}

async function enqueue(
  { queue, sealer, budget }: MailerParts,
  { mail, context, spender }: Sending,
): Promise<MailOutcome> {
  const { kind } = mail
  try {
    const exhausted = await budget.spend(mail, context, spender)
    if (exhausted !== null) {
      log('warn', 'mail_over_budget', { kind, budget: exhausted })
      return 'over_budget'
    }
    if (mail.kind === 'nothing' || !isEmail(mail.to)) return 'not_queued'
    const queued: QueuedMail = { id: `msg_${randomId(ID_BYTES)}`, queuedAt: context.now, mail }
    await queue.send(await sealer.sealValue(queued))
    return 'queued'
  } catch (error) {
    log('error', 'mail_not_queued', { kind, cause: describeError(error) })
    return 'not_queued'
  }
}

import { deliverMails } from '../../src/mail/deliver_mails.ts'
import { DELIVERED } from '../../src/mail/mail_driver.ts'
import type { MailQueue } from '../../src/mail/mailer.ts'
import type { RenderedMail } from '../../src/mail/render_mail.ts'
import type { Services } from '../../src/services/services.ts'

/** `mail` of config.yml in tests. */
export const MAIL = { from: { name: 'Corner Shop', address: 'shop@shop.test' } }

/** The options of a test server that sends mails. */
export const WITH_MAIL = { config: { mail: MAIL } }

/** The queue of a test server. Its mails wait until the test reads them. */
export class MailSink {
  /** The sealed mails, oldest first. */
  readonly sealed: string[] = []
  /** The sealed news whose delay has not passed, oldest first. */
  readonly delayed: string[] = []

  readonly queue: MailQueue = {
    send: async (sealed, options) => {
      const waiting = options === undefined ? this.sealed : this.delayed
      waiting.push(sealed)
    },
  }

  /** Takes the mails from the queue as the Worker does. @returns the mails that a mail service would get, oldest first */
  async take({ mailDelivery, clock }: Services): Promise<RenderedMail[]> {
    if (mailDelivery === null) throw new Error('config.yml of this test has no mail')
    const mails: RenderedMail[] = []
    const later: Promise<unknown>[] = []
    const driver = {
      deliver: async (mail: RenderedMail) => {
        mails.push(mail)
        return DELIVERED
      },
    }
    for (const body of this.sealed.splice(0))
      await deliverMails(
        [{ body, attempts: 1, ack() {}, retry() {} }],
        { ...mailDelivery, driver },
        { now: clock.now(), waitUntil: (work) => later.push(work) },
      )
    await Promise.all(later)
    return mails
  }

  /** Lets the delay of all news pass. @returns the mails, as `take` */
  async takeDelayed(services: Services): Promise<RenderedMail[]> {
    this.sealed.push(...this.delayed.splice(0))
    return [...(await this.take(services)), ...(await this.take(services))]
  }
}

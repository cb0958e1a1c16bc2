import { DELIVERED, type Delivery, type MailDriver } from './mail_driver.ts'
import type { RenderedMail } from './render_mail.ts'

/** The binding `EMAIL` (`[[send_email]]` in wrangler.toml). */
export interface EmailBinding {
  send(mail: {
    from: { email: string; name: string }
    to: string
    subject: string
    text: string
    html: string
  }): Promise<unknown>
}

/** Error codes of the binding that a retry does not change. The others can end, such as a limit or a domain without DNS records. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  'E_CONTENT_TOO_LARGE',
  'E_FIELD_MISSING',
  'E_RECIPIENT_NOT_ALLOWED',
  'E_RECIPIENT_SUPPRESSED',
  'E_TOO_MANY_RECIPIENTS',
  'E_VALIDATION_ERROR',
])

/** Sends mails through Cloudflare. */
export class BindingDriver implements MailDriver {
  readonly #email: EmailBinding

  constructor(email: EmailBinding) {
    this.#email = email
  }

  async deliver({ from, to, subject, text, html }: RenderedMail): Promise<Delivery> {
    const sender = { email: from.address, name: from.name }
    try {
      await this.#email.send({ from: sender, to, subject, text, html })
      return DELIVERED
    } catch (error) {
      const code = codeOf(error)
      return { outcome: FINAL_CODES.has(code) ? 'dropped' : 'failed', reason: code }
    }
  }
}

/** The code of an error. Its message can have the address, so the log must not have it. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : 'an error without a code'
}

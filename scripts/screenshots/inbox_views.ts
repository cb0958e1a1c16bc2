import type { Config } from '../../src/config/config.ts'
import { InboxStore } from '../../src/mail/inbox_store.ts'
import { MAIL_TEXTS } from '../../src/mail/languages/mail_texts.ts'
import type { Mail } from '../../src/mail/mail.ts'
import { renderMail } from '../../src/mail/render_mail.ts'
import type { Env } from '../../src/services/environment.ts'
import type { ShopperView } from './shopper_views.ts'

/** The id of the mail with the most parts. */
const LONGEST = 'msg_new_device'

/** The inbox, one mail as text, and the same mail as HTML. */
export const INBOX_VIEWS: readonly ShopperView[] = [
  { name: 'shopper-inbox', path: '/inbox', shopper: null },
  { name: 'shopper-inbox-mail', path: `/inbox/${LONGEST}`, shopper: null },
  { name: 'shopper-inbox-html', path: `/inbox/${LONGEST}/html`, shopper: null },
]

/** Adds mails to the inbox of a local server. */
export async function addMails({ KV }: Pick<Env, 'KV'>, { apis, mail, issuer }: Config): Promise<void> {
  if (mail === null) return
  const inbox = new InboxStore(KV)
  const queuedAt = Math.floor(Date.now() / 1000)
  const recipient = { to: 'amanda@example.com', pool: 'customers', api: 'storefront' }
  const link = `${issuer}/account/customers/link?token=${'x'.repeat(43)}`
  const mails: [id: string, mail: Mail][] = [
    [
      'msg_code',
      {
        ...recipient,
        language: 'en',
        kind: 'email_code',
        isAfterPassword: false,
        code: '042519',
        lifetimeSeconds: 600,
      },
    ],
    ['msg_reset', { ...recipient, language: 'fr', kind: 'reset_password', link, lifetimeSeconds: 1800 }],
    [
      LONGEST,
      {
        ...recipient,
        language: 'uk',
        kind: 'new_device',
        at: queuedAt,
        device: 'Chrome on Android',
        country: 'UA',
        endSessionsLink: link,
      },
    ],
  ]
  for (const [i, [id, content]] of mails.entries()) {
    const found = { language: content.language, texts: MAIL_TEXTS[content.language] }
    await inbox.deliver(renderMail({ id, queuedAt: queuedAt + i, mail: content }, { apis, mail }, found))
  }
}

import type { Mail, MailKind } from '../../src/mail/mail.ts'

const LINK = 'https://id.shop.test/account/customers/link?token=a&b'
const END_SESSIONS = 'https://id.shop.test/account/customers/end-sessions?token=c'

type Content<K extends MailKind> = Omit<Extract<Mail, { kind: K }>, 'to' | 'language' | 'pool' | 'api'>

/** The time of the examples: 2026-11-29 16:30 UTC. */
const AT = 1_795_969_800

/** A mail of each kind. */
export const MAIL_EXAMPLES: { [K in MailKind]: Content<K> } = {
  verify_sign_up: { kind: 'verify_sign_up', code: '042519', lifetimeSeconds: 600 },
  address_has_account: { kind: 'address_has_account', link: LINK },
  email_code: { kind: 'email_code', code: '042519', lifetimeSeconds: 600, isAfterPassword: false },
  reset_password: { kind: 'reset_password', link: LINK, lifetimeSeconds: 1800 },
  confirm_new_address: { kind: 'confirm_new_address', link: LINK, lifetimeSeconds: 86_400 },
  address_changes: { kind: 'address_changes', endSessionsLink: END_SESSIONS },
  address_changed: { kind: 'address_changed', endSessionsLink: END_SESSIONS },
  password_changed: { kind: 'password_changed', endSessionsLink: END_SESSIONS },
  factor_changed: { kind: 'factor_changed', change: 'totp_removed', endSessionsLink: END_SESSIONS },
  new_device: {
    kind: 'new_device',
    at: AT,
    device: 'Firefox on Linux',
    country: 'DE',
    endSessionsLink: END_SESSIONS,
  },
  token_theft: { kind: 'token_theft', endSessionsLink: END_SESSIONS },
  invitation: { kind: 'invitation', link: LINK, lifetimeSeconds: 7 * 86_400 },
  deletion_scheduled: { kind: 'deletion_scheduled', deletedAt: AT, endSessionsLink: END_SESSIONS },
  deletion_cancelled: { kind: 'deletion_cancelled', endSessionsLink: END_SESSIONS },
  more_needed: { kind: 'more_needed', at: AT, device: null, country: 'T1', endSessionsLink: END_SESSIONS },
}

/** A mail of a kind to a customer, changed as asked. */
export function exampleOf(
  kind: MailKind,
  changes: Partial<Pick<Mail, 'to' | 'language' | 'api'>> = {},
): Mail {
  return {
    to: 'zoe@example.com',
    language: 'en',
    pool: 'customers',
    api: 'storefront',
    ...MAIL_EXAMPLES[kind],
    ...changes,
  }
}

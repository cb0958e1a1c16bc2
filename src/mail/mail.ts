import * as z from 'zod/mini'
import { LANGUAGES } from '../lib/language.ts'

/** The changes of the second factors and passkeys of a user. */
export const FACTOR_CHANGES = [
  'totp_added',
  'totp_removed',
  'passkey_added',
  'passkey_removed',
  'recovery_codes_renewed',
  'recovery_code_used',
] as const
export type FactorChange = (typeof FACTOR_CHANGES)[number]

const link = z.string()
const seconds = z.int()

/** The recipient of a mail, and its looks. */
const recipient = {
  /** One address (`isEmail`). */
  to: z.string(),
  language: z.enum(LANGUAGES),
  pool: z.string(),
  /** The API whose branding the mail has; null for that of the first API of the pool. */
  api: z.nullable(z.string()),
}

/** A link for one action. The page behind it shows a button, because link scanners open links in mails. */
const action = { link, lifetimeSeconds: seconds }

/** A code of six digits. */
const code = { code: z.string(), lifetimeSeconds: seconds }

/** The link that ends all sessions of the account. Every notification has it. */
const notification = { endSessionsLink: link }

/** The origin of a sign-in: names of fixed lists (`RequestContext`), and Unix seconds. */
const origin = { at: seconds, device: z.nullable(z.string()), country: z.nullable(z.string()) }

/**
 * The kinds of mails. Text of an unverified visitor, such as a name, is in none of them: otherwise a sign-up could send any text
 * to any address.
 */
export const mailSchema = z.discriminatedUnion('kind', [
  z.object({ ...recipient, ...code, kind: z.literal('verify_sign_up') }),
  z.object({ ...recipient, kind: z.literal('address_has_account'), link: z.nullable(link) }),
  z.object({
    ...recipient,
    ...code,
    kind: z.literal('email_code'),
    /** Whether the right password came first. A mail of the version before has no value. */
    isAfterPassword: z._default(z.boolean(), false),
  }),
  z.object({ ...recipient, ...action, kind: z.literal('reset_password') }),
  z.object({ ...recipient, ...action, kind: z.literal('confirm_new_address') }),
  z.object({ ...recipient, ...notification, kind: z.literal('address_changes') }),
  z.object({ ...recipient, ...notification, kind: z.literal('address_changed') }),
  z.object({ ...recipient, ...notification, kind: z.literal('password_changed') }),
  z.object({
    ...recipient,
    ...notification,
    kind: z.literal('factor_changed'),
    change: z.enum(FACTOR_CHANGES),
  }),
  z.object({ ...recipient, ...notification, ...origin, kind: z.literal('new_device') }),
  z.object({ ...recipient, ...notification, kind: z.literal('token_theft') }),
  z.object({ ...recipient, ...action, kind: z.literal('invitation') }),
  z.object({ ...recipient, ...notification, kind: z.literal('deletion_scheduled'), deletedAt: seconds }),
  z.object({ ...recipient, ...notification, kind: z.literal('deletion_cancelled') }),
  z.object({ ...recipient, ...notification, ...origin, kind: z.literal('more_needed') }),
])

/** A mail without its texts. */
export type Mail = z.output<typeof mailSchema>
export type MailKind = Mail['kind']

/** The kinds with a link for one action. */
export type ActionKind = Extract<Mail, { link: string | null }>['kind']

/** A request that sends no mail, such as one for an address without an account. It uses the same budgets as a mail. */
export type NoMail = Pick<Mail, 'to' | 'pool'> & { kind: 'nothing' }

/** A mail in the queue. */
export interface QueuedMail {
  /** Each delivery of the mail has this id, also a repeated one. */
  id: string
  /** Unix seconds. */
  queuedAt: number
  mail: Mail
}

export const queuedMailSchema: z.ZodMiniType<QueuedMail> = z.object({
  id: z.string(),
  queuedAt: seconds,
  mail: mailSchema,
})

/** The budget of a mail: that of requests by any visitor, or that of notifications about an account. */
export type BudgetClass = 'request' | 'notification'

interface KindFacts {
  budget: BudgetClass
  /** After this time in the queue the mail is dropped, because its code or link has expired, or its news is old. */
  usefulSeconds: number
}

const HOUR = 3600
const NOTIFICATION: KindFacts = { budget: 'notification', usefulSeconds: 24 * HOUR }

/** The facts of each kind. */
export const MAIL_KINDS: Readonly<Record<MailKind, KindFacts>> = {
  verify_sign_up: { budget: 'request', usefulSeconds: 600 },
  address_has_account: { budget: 'request', usefulSeconds: HOUR },
  email_code: { budget: 'request', usefulSeconds: 600 },
  reset_password: { budget: 'request', usefulSeconds: 1800 },
  confirm_new_address: { budget: 'request', usefulSeconds: HOUR },
  invitation: { budget: 'notification', usefulSeconds: 24 * HOUR },
  address_changes: NOTIFICATION,
  address_changed: NOTIFICATION,
  password_changed: NOTIFICATION,
  factor_changed: NOTIFICATION,
  new_device: NOTIFICATION,
  token_theft: NOTIFICATION,
  deletion_scheduled: NOTIFICATION,
  deletion_cancelled: NOTIFICATION,
  more_needed: NOTIFICATION,
}

import type { AuditStore } from '../audit/audit_store.ts'
import { type RequestContext, runLater } from '../lib/request_context.ts'
import type { FactorChange, Mail } from '../mail/mail.ts'
import type { Mailer, MailOutcome } from '../mail/mailer.ts'
import type { Concerned, DelayedNews, DelayedNotifier, News, Notifier } from '../mail/news.ts'
import type { OneTimeStore } from '../onetime/one_time_store.ts'
import { idOfToken } from '../onetime/one_time_value.ts'
import { mailLanguageOf } from '../users/mail_language.ts'
import { isUserId } from '../users/user.ts'
import type { UserAdminStore } from '../users/user_admin_store.ts'
import type { AccountLinks } from './account_links.ts'
import { isFromBackEnd, type KnownOrigins, type SignInOrigin } from './known_origins.ts'
import { END_SESSIONS, verifiedAddressOf } from './link_kinds.ts'

/** A sign-in, and its API for the mail and the audit trail. */
export interface NotedSignIn extends SignInOrigin {
  api: string
}

interface Dependencies {
  mailer: Mailer
  userAdmin: Pick<UserAdminStore, 'find'>
  links: AccountLinks
  knownOrigins: KnownOrigins
  oneTime: OneTimeStore
  audit: AuditStore
}

/**
 * The time for the second factor after a right password. It is half of the lifetime of an `auth_session`, so the row of its use still
 * exists.
 */
export const SECOND_FACTOR_WAIT_SECONDS = 300

/**
 * Notifies users of events in their accounts by mail. Each mail has a link that ends all sessions. All work is after the response. No
 * method throws. Without `mail` in config.yml there is no work.
 */
export class Notifications implements Notifier, DelayedNotifier {
  readonly #parts: Dependencies

  constructor(parts: Dependencies) {
    this.#parts = parts
  }

  send(concerned: Concerned, news: News, context: RequestContext): void {
    this.#later(concerned.subject, context, () => this.#deliver(concerned, news, context))
  }

  /** Notes a finished sign-in. A user who signs in from a new origin gets a mail. The first origin of an account sends none. */
  noteSignIn(signIn: NotedSignIn, context: RequestContext): void {
    this.#later(signIn.subject, context, () =>
      this.#parts.knownOrigins.remember(signIn, context, (state, after) => {
        if (state === 'new') this.send(...newsOf('new_device', signIn, context), after)
      }),
    )
  }

  /**
   * Notes a right password without the second factor that the user needs. With a step, the user gets a mail if the second factor does
   * not follow. Without a step, the user gets it at once, but not after a request of a known browser of the user: the sign-in then
   * continues on a page. A known back end proves nothing about the user.
   *
   * @param step The token of the `auth_session` that continues the sign-in; null without one.
   */
  noteUnfinished(signIn: NotedSignIn, step: string | null, context: RequestContext): void {
    this.#later(signIn.subject, context, async () => {
      const [concerned, news] = newsOf('more_needed', signIn, context)
      if (step !== null) return this.#delay(concerned, news, { step, context })
      const isKnown = (await this.#parts.knownOrigins.find(signIn, context)) === 'known'
      if (!isKnown || isFromBackEnd(signIn)) await this.#deliver(concerned, news, context)
    })
  }

  async #delay(
    concerned: DelayedNews['concerned'],
    news: DelayedNews['news'],
    { step, context }: { step: string; context: RequestContext },
  ): Promise<void> {
    const unlessUsed = (await idOfToken(step)) ?? ''
    const { now: queuedAt, language } = context
    const delayed = { unlessUsed, queuedAt, language, concerned, news }
    const outcome = await this.#parts.mailer.delay(delayed, SECOND_FACTOR_WAIT_SECONDS)
    if (outcome !== 'queued') this.#audit(concerned, outcome, { news, context })
  }

  async sendDelayed(
    { unlessUsed, concerned, news, language }: DelayedNews,
    context: RequestContext,
  ): Promise<void> {
    if (await this.#parts.oneTime.isUsed(unlessUsed)) return
    await this.#deliver(concerned, news, { ...context, language })
  }

  /** Guests have no account, and so no notifications. */
  #later(subject: string, context: RequestContext, work: () => Promise<void>): void {
    if (this.#parts.mailer.isOn && isUserId(subject)) runLater(context, 'notification', work)
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async #deliver(concerned: Concerned, news: News, context: RequestContext): Promise<void> {
    const { userAdmin, links, mailer } = this.#parts
    const { subject, api } = concerned
    const user = await userAdmin.find(subject)
    if (user === null) return
    const to = concerned.to ?? verifiedAddressOf(user.profile)
    if (to === null) return this.#audit(concerned, 'no_address', { news, context })
    const endSessionsLink = await links.make(END_SESSIONS, { user, data: {} }, context.now)
    const mail: Mail = {
      ...news,
      to,
      api,
      endSessionsLink,
      pool: user.pool,
      language: mailLanguageOf(user.profile, context.language ?? 'en'),
    }
    this.#audit(concerned, await mailer.enqueue(mail, context), { news, context })
  }

  #audit(
    { subject, sid = null, api, clientId }: Concerned,
    outcome: Outcome,
    { news, context }: { news: News; context: RequestContext },
  ): void {
    const reason = `${wordsOf(news)}: ${OUTCOME_WORDS[outcome]}`
    const about = {
      outcome: outcome === 'queued' ? 'ok' : 'refused',
      reason,
      subject,
      sid,
      api,
      clientId,
    } as const
    this.#parts.audit.record({ kind: 'notification', ...about }, context)
  }
}

type Outcome = MailOutcome | 'no_address'

const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = {
  queued: 'a mail was sent',
  over_budget: 'no mail, because the budget of the address is used up',
  not_queued: 'no mail, because the queue is down',
  no_address: 'no mail, because the user has no verified address',
}

const CHANGE_WORDS: Readonly<Record<FactorChange, string>> = {
  totp_added: 'an authenticator app was added',
  totp_removed: 'the authenticator app was removed',
  passkey_added: 'a passkey was added',
  passkey_removed: 'a passkey was removed',
  recovery_codes_renewed: 'the recovery codes were replaced',
  recovery_code_used: 'a recovery code was used',
}

const NEWS_WORDS: Readonly<Record<Exclude<News['kind'], 'factor_changed'>, string>> = {
  address_changes: 'a new email address was requested',
  address_changed: 'the email address was changed',
  password_changed: 'the password was changed',
  new_device: 'a sign-in from a new device or network',
  token_theft: 'a copied token was used',
  deletion_scheduled: 'the deletion of the account was requested',
  deletion_cancelled: 'the deletion of the account was cancelled',
  more_needed: 'a right password without the second factor',
}

/** The event in words, for the audit trail. */
function wordsOf(news: News): string {
  return news.kind === 'factor_changed' ? CHANGE_WORDS[news.change] : NEWS_WORDS[news.kind]
}

/** The news of a sign-in. The device and the country of a back end say nothing about the user. */
function newsOf<K extends 'new_device' | 'more_needed'>(
  kind: K,
  signIn: NotedSignIn,
  { now, device, country }: RequestContext,
): [DelayedNews['concerned'], { kind: K; at: number; device: string | null; country: string | null }] {
  const { subject, api, client } = signIn
  const place = isFromBackEnd(signIn) ? { device: null, country: null } : { device, country }
  return [
    { subject, api, clientId: client.id },
    { kind, at: now, ...place },
  ]
}

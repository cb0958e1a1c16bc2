import type { AuditStore } from '../audit/audit_store.ts'
import { encodeBase32 } from '../lib/base32.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { FactorChange } from '../mail/mail.ts'
import type { Notifier } from '../mail/news.ts'
import { type ChangedAccount, recordFactorChange } from './factor_event.ts'
import type { FactorSecrets } from './factor_secrets.ts'
import type { FactorStore } from './factor_store.ts'
import { qrSvg } from './qr_svg.ts'
import { generateRecoveryCodes, hashRecoveryCodes } from './recovery_code.ts'
import type { RemainingFactor } from './remaining_factor.ts'
import { findTotpStep, generateTotpSecret, parseTotpCode, totpUri } from './totp.ts'

/** The lifetime of the sealed secret in a form. */
const ENROLMENT_SECONDS = 1800

/** The account for the app, and the user. */
export interface NewEnrolment {
  subject: string
  /** The name of the account in the app. */
  account: string
  /** The name of the service in the app. */
  service: string
}

/** A new secret for the page. Nothing is stored. */
export interface StartedEnrolment {
  /** The sealed secret, for a hidden field of the form. */
  sealed: string
  /** The secret in base32, in groups of four characters, for a user who types it. */
  secret: string
  /** The address in the QR code. */
  uri: string
  /** The QR code: SVG, without text from the user. */
  qr: string
}

export type EnrolmentResult =
  /** The user sees the codes once. */
  | { kind: 'added'; recoveryCodes: string[] }
  | { kind: 'wrong_code' }
  /** The form is too old or belongs to another user. */
  | { kind: 'expired' }

interface Dependencies {
  factors: FactorStore
  secrets: FactorSecrets
  audit: AuditStore
  notifications: Notifier
}

/** Adds, renews and removes the authenticator apps of users. After each change the user gets a mail. */
export class AuthenticatorApps {
  readonly #factors: FactorStore
  readonly #secrets: FactorSecrets
  readonly #audit: AuditStore
  readonly #notifications: Notifier

  constructor({ factors, secrets, audit, notifications }: Dependencies) {
    this.#factors = factors
    this.#secrets = secrets
    this.#audit = audit
    this.#notifications = notifications
  }

  /** Makes the secret of a new app. `confirm` stores it. @param now Unix seconds. */
  async start({ subject, ...names }: NewEnrolment, now: number): Promise<StartedEnrolment> {
    const secret = generateTotpSecret()
    const enrolment = { subject, secret, expiresAt: now + ENROLMENT_SECONDS }
    return { sealed: await this.#secrets.sealEnrolment(enrolment), ...(await describe(names, secret)) }
  }

  /**
   * Describes the secret of a form again, after a wrong code.
   *
   * @returns null for an expired form and that of another user
   */
  async continue(
    { sealed, subject, ...names }: NewEnrolment & { sealed: string },
    now: number,
  ): Promise<StartedEnrolment | null> {
    const secret = await this.#secrets.openEnrolment(sealed, subject, now)
    return secret === null ? null : { sealed, ...(await describe(names, secret)) }
  }

  /**
   * Stores an app after its first code, with ten new recovery codes. They replace the earlier ones. The caller has authenticated the
   * user, with an existing factor if the user has one.
   *
   * @param isFirst Whether the user must have no app, also if another request adds one at the same time.
   * @throws StorageUnavailable
   */
  async confirm(
    { sealed, code, isFirst, ...change }: ChangedAccount & { sealed: string; code: string; isFirst: boolean },
    context: RequestContext,
  ): Promise<EnrolmentResult> {
    const { subject } = change
    const secret = await this.#secrets.openEnrolment(sealed, subject, context.now)
    if (secret === null) return { kind: 'expired' }
    const typed = parseTotpCode(code)
    const lastStep = typed === null ? null : await findTotpStep(secret, typed, context.now)
    if (lastStep === null) return { kind: 'wrong_code' }
    const recoveryCodes = generateRecoveryCodes()
    const codeHashes = await hashRecoveryCodes(subject, recoveryCodes)
    const factor = { ...(await this.#secrets.seal(subject, secret)), subject, lastStep, codeHashes, isFirst }
    const event = this.#eventOf('an authenticator app was added', change, context)
    const isAdded = await this.#factors.addTotp(factor, [event], context.now)
    if (!isAdded) return { kind: 'expired' }
    this.#notify('totp_added', change, context)
    return { kind: 'added', recoveryCodes }
  }

  /**
   * Replaces the recovery codes of a user with an app.
   *
   * @returns the new codes, which the user sees once
   * @throws StorageUnavailable
   */
  async renewRecoveryCodes(change: ChangedAccount, context: RequestContext): Promise<string[]> {
    const { subject } = change
    const codes = generateRecoveryCodes()
    const codeHashes = await hashRecoveryCodes(subject, codes)
    const event = this.#eventOf('the recovery codes were replaced', change, context)
    await this.#factors.replaceCodes({ subject, codeHashes }, [event], context.now)
    this.#notify('recovery_codes_renewed', change, context)
    return codes
  }

  /**
   * Removes the app and the recovery codes of a user.
   *
   * @returns false if the user had no app, or no longer has the remaining factor
   * @throws StorageUnavailable
   */
  async remove(
    change: ChangedAccount & { remaining: RemainingFactor },
    context: RequestContext,
  ): Promise<boolean> {
    const event = this.#eventOf('the authenticator app and the recovery codes were removed', change, context)
    const isRemoved = await this.#factors.remove(change, [event])
    if (isRemoved) this.#notify('totp_removed', change, context)
    return isRemoved
  }

  #notify(change: FactorChange, concerned: ChangedAccount, context: RequestContext): void {
    this.#notifications.send(concerned, { kind: 'factor_changed', change }, context)
  }

  /** The statement of an event if the statement before it changed a row. */
  #eventOf(reason: string, change: ChangedAccount, context: RequestContext) {
    return recordFactorChange(reason, change, { audit: this.#audit, context })
  }
}

async function describe({ account, service }: Omit<NewEnrolment, 'subject'>, secret: Uint8Array) {
  const uri = totpUri({ issuer: service, account, secret })
  const groups = encodeBase32(secret).match(/.{1,4}/g) ?? []
  return { secret: groups.join(' '), uri, qr: await qrSvg(uri) }
}

import type { AuditStore } from '../audit/audit_store.ts'
import type { PasskeySettings } from '../config/accounts_schema.ts'
import type { Config } from '../config/config.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { type ChangedAccount, recordFactorChange } from '../factors/factor_event.ts'
import type { RemainingFactor } from '../factors/remaining_factor.ts'
import { randomId } from '../lib/bytes.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Notifier } from '../mail/news.ts'
import type { OneTimeStore } from '../onetime/one_time_store.ts'
import { generateToken } from '../onetime/one_time_value.ts'
import {
  type CreationOptionsJson,
  creationOptions,
  type PasskeyAccount,
  type RequestOptionsJson,
  requestOptions,
} from './ceremony_options.ts'
import { MAX_NAME_CHARACTERS, MAX_PASSKEYS, type Passkey } from './passkey.ts'
import type { ChallengeSealer } from './passkey_challenge.ts'
import { PasskeyRefused, requirePasskey } from './passkey_refused.ts'
import type { PasskeyStore } from './passkey_store.ts'
import { parseRegistration } from './response_json.ts'
import { type ExpectedCeremony, verifyRegistration } from './verify_response.ts'

/** The start of a ceremony: options for the browser, and the sealed challenge for a hidden field of the form. */
export interface StartedCeremony<Options> {
  options: Options
  sealed: string
}

/** The end of a registration, as the form sends it. */
export interface FinishedRegistration {
  sealed: string
  /** The JSON of the browser's response. */
  response: string
  /** The name that the list shows, such as the browser and the system. */
  name: string
  /** The browser or the session, as at the start. */
  holder: string
  /** Whether the user must have no passkey, also if another request adds one at the same time. */
  isFirst: boolean
  subject: string
  pool: string
  clientId: string | null
  api: string | null
}

/** A change of a passkey by its user or an operator. */
export interface PasskeyChange extends ChangedAccount {
  id: string
}

interface Dependencies {
  store: PasskeyStore
  challenges: ChallengeSealer
  oneTime: OneTimeStore
  audit: AuditStore
  notifications: Notifier
  config: Config
}

/** Adds, renames and removes passkeys. After an addition and a removal the user gets a mail. `signInByPasskey` checks a sign-in. */
export class Passkeys {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** The settings of a pool; null if the pool has no passkeys. */
  settingsOf(pool: string): PasskeySettings | null {
    return accountsOf(pool, this.#dependencies.config).passkeys
  }

  /**
   * Starts a registration. The caller has authenticated the user, with an existing factor if the user has one.
   *
   * @param holder The id of the browser or of the session that gets the challenge. No other one can use it.
   * @returns null if the pool has no passkeys
   * @throws StorageUnavailable, CorruptRecord
   */
  async startRegistration(
    { holder, ...account }: PasskeyAccount & { holder: string },
    now: number,
  ): Promise<StartedCeremony<CreationOptionsJson> | null> {
    const { subject, pool } = account
    const settings = this.settingsOf(pool)
    if (settings === null) return null
    const { store, challenges } = this.#dependencies
    const challenge = generateToken()
    const existing = await store.list(subject)
    const sealed = await challenges.seal({ ceremony: 'registration', challenge, pool, subject, holder }, now)
    return { options: creationOptions(account, challenge, { ...settings, existing }), sealed }
  }

  /**
   * Finishes a registration and stores the passkey.
   *
   * @throws PasskeyRefused if the response does not verify, the challenge was used, or the user has too many passkeys; StorageUnavailable
   */
  async finishRegistration(finished: FinishedRegistration, context: RequestContext): Promise<Passkey> {
    const { sealed, subject, pool, holder } = finished
    const { store, challenges, oneTime } = this.#dependencies
    const settings = this.settingsOf(pool)
    requirePasskey(settings !== null, 'the pool has no passkeys')
    const opened = await challenges.open(
      sealed,
      { ceremony: 'registration', pool, subject, holder },
      context.now,
    )
    requirePasskey(opened !== null, 'the challenge is expired or belongs to another ceremony')
    const response = parseRegistration(finished.response)
    const verified = await verifyRegistration(response, this.expect(opened.challenge, settings))
    const passkey: Passkey = {
      ...verified,
      id: randomId(16),
      subject,
      pool,
      rpId: settings.rpId,
      transports: response.transports,
      name: cleanName(finished.name),
      createdAt: context.now,
      lastUsedAt: null,
    }
    const { statement: spend } = await oneTime.spending(
      { kind: 'passkey_challenge', token: opened.challenge },
      opened.expiresAt,
      context.now,
    )
    const event = this.#eventOf('added', { ...finished, id: passkey.id }, context)
    const most = finished.isFirst ? 1 : MAX_PASSKEYS
    if (!(await store.add(passkey, { spend, most }, [event])))
      throw new PasskeyRefused('the challenge was used, the passkey is known, or the user has too many')
    this.#notify('passkey_added', finished, context)
    return passkey
  }

  /**
   * Starts a sign-in.
   *
   * @param subject The user of the sign-in; null if any passkey of the pool may sign in.
   * @param holder As for `startRegistration`.
   * @returns null if the pool has no passkeys
   * @throws StorageUnavailable, CorruptRecord, only for a known user
   */
  async startAuthentication(
    { pool, subject, holder }: { pool: string; subject: string | null; holder: string },
    now: number,
  ): Promise<StartedCeremony<RequestOptionsJson> | null> {
    const challenge = generateToken()
    const options = await this.requestOptions({ pool, subject }, challenge)
    if (options === null) return null
    const { challenges } = this.#dependencies
    const purpose = { ceremony: 'authentication', challenge, pool, subject, holder } as const
    return { options, sealed: await challenges.seal(purpose, now) }
  }

  /** The options of a sign-in with a challenge of the caller; null if the pool has no passkeys. @throws as `startAuthentication` */
  async requestOptions(
    { pool, subject }: { pool: string; subject: string | null },
    challenge: string,
  ): Promise<RequestOptionsJson | null> {
    const settings = this.settingsOf(pool)
    if (settings === null) return null
    const allowed = subject === null ? [] : await this.#dependencies.store.list(subject)
    return requestOptions(challenge, { ...settings, allowed })
  }

  /** The values that a response must have. */
  expect(challenge: string, { rpId, origins, userVerification }: PasskeySettings): ExpectedCeremony {
    return {
      challenge,
      origins: [this.#dependencies.config.issuer, ...origins],
      rpId,
      requiresUserVerification: userVerification === 'required',
    }
  }

  /** The passkeys of a user, oldest first. One of another relying party id does not work. @throws StorageUnavailable, CorruptRecord */
  list(subject: string): Promise<Passkey[]> {
    return this.#dependencies.store.list(subject)
  }

  /** @returns false for an unknown passkey @throws StorageUnavailable */
  rename({ id, subject, name }: Pick<Passkey, 'id' | 'subject' | 'name'>): Promise<boolean> {
    return this.#dependencies.store.rename({ id, subject, name: cleanName(name) })
  }

  /** @returns false for an unknown passkey, and without the remaining factor @throws StorageUnavailable */
  async remove(
    change: PasskeyChange & { remaining: RemainingFactor },
    context: RequestContext,
  ): Promise<boolean> {
    const event = this.#eventOf('removed', change, context)
    const isRemoved = await this.#dependencies.store.remove(change, [event])
    if (isRemoved) this.#notify('passkey_removed', change, context)
    return isRemoved
  }

  #notify(
    change: 'passkey_added' | 'passkey_removed',
    { subject, api, clientId }: Omit<PasskeyChange, 'id'>,
    context: RequestContext,
  ): void {
    this.#dependencies.notifications.send(
      { subject, api, clientId },
      { kind: 'factor_changed', change },
      context,
    )
  }

  #eventOf(what: 'added' | 'removed', { id, ...change }: PasskeyChange, context: RequestContext) {
    const reason = `the passkey ${id} was ${what}`
    return recordFactorChange(reason, change, { audit: this.#dependencies.audit, context })
  }
}

/** A name in one line. An empty name gets a default, so that the list can show it. */
function cleanName(name: string): string {
  const clean = name.replace(/[\p{C}\s]+/gu, ' ').trim()
  return [...clean].slice(0, MAX_NAME_CHARACTERS).join('') || 'Passkey'
}

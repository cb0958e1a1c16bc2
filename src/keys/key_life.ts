import type { Actor } from '../audit/audit_event.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import type { SigningAlgorithm } from '../config/signing_algorithm.ts'
import { describeError, log } from '../lib/log.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { auditKey, reasonOfRevocation } from './audit_key.ts'
import type { KeyLifeStore, KeyRecord, RetiredKeyRecord } from './key_life_store.ts'
import type { KeyMaker } from './key_maker.ts'
import type { KeyRing } from './key_ring.ts'
import {
  CLOCKS_APART_SECONDS,
  endOfKey,
  findNextChange,
  type KeyChange,
  type KeyConfig,
  liveAlgorithms,
  PUBLISH_AHEAD_SECONDS,
  scheduleNow,
  selectCurrent,
  selectSigning,
} from './key_schedule.ts'
import type { KeyStore } from './key_store.ts'
import { reseal, SealingError, type SealingKeys } from './sealing.ts'
import { generateSigningKey, type SealedSigningKey } from './signing_key.ts'

/** `next`: published, does not sign yet. `current`: signs. `verifying`: published, only verifies. `retired`: removed. */
export type KeyState = 'next' | 'current' | 'verifying' | 'retired'

/** A key as the admin API lists it. Times are Unix seconds. */
export interface KeyEntry {
  /** The RFC 7638 thumbprint of the public key. */
  kid: string
  alg: SigningAlgorithm
  state: KeyState
  createdAt: number
  /** The time of its first signature. */
  activatesAt: number
  /** The time of its removal from the JWKS; null while it is unknown. */
  retiresAt: number | null
  /** The reason of the removal; null for a live key. */
  reason: 'ended' | 'compromised' | null
}

/** An early rotation. */
interface Rotation {
  /** The operator who requested it; null for an automatic change. */
  by?: Actor | null
  /** The time from the publication of the next key to its first signature. */
  leadSeconds?: number | undefined
  /** The default is `signing_algorithm`. */
  alg?: SigningAlgorithm | undefined
}

/** The result of a resealing. Each list has `kid` values. */
export interface Resealing {
  resealed: string[]
  /** The keys that no secret opens. */
  unopened: string[]
}

interface Dependencies {
  store: KeyStore
  lives: KeyLifeStore
  ring: KeyRing
  maker: KeyMaker
  sealingKeys: SealingKeys
  config: KeyConfig
  audit: AuditStore
}

/**
 * The life cycle of signing keys. The cron trigger makes, publishes, activates and retires keys. An operator can rotate early,
 * revoke a compromised key, or seal the keys with another secret. `by` is this operator, for the audit trail.
 */
export class KeyLife {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Runs the steps that are due, for the cron trigger. A failed step does not stop the others. The next run repeats it. */
  async run(context: RequestContext): Promise<void> {
    const { maker, store, config } = this.#dependencies
    for (const alg of liveAlgorithms(config)) await attempt(`add ${alg}`, () => maker.addIfDue(alg, context))
    await attempt('retire', () => this.#retireEnded(context))
    await attempt('reseal', () => this.#resealDue(context))
    await attempt('copy', () => store.renewCopy(context))
  }

  /** All keys, the newest first. @throws StorageUnavailable, CorruptRecord */
  async list({ now }: Pick<RequestContext, 'now'>): Promise<KeyEntry[]> {
    const { lives, config } = this.#dependencies
    const { keys, retired } = await lives.list()
    const signing = selectSigning(keys, config, now)
    return [
      ...retired.map(describeRetired),
      ...keys.map((key) => ({ ...key, state: stateOf(key, signing, now), reason: null })),
    ].reverse()
  }

  /** @returns null if no key exists yet @throws StorageUnavailable, CorruptRecord */
  async nextChange({ now }: Pick<RequestContext, 'now'>): Promise<KeyChange | null> {
    const { store, config } = this.#dependencies
    return findNextChange(await store.findAll(), config, now)
  }

  /**
   * Rotates an algorithm early: the next key signs `leadSeconds` after its publication. It makes a next key if none exists.
   * Tokens of the current key stay valid. A second call has no effect, unless its lead is shorter.
   *
   * @returns The next key, or the current key if it already signs
   * @throws StorageUnavailable: earlier changes in D1 stay, and the call can be repeated
   * @throws TooManyKeys
   */
  async rotateNow(
    context: RequestContext,
    {
      by = null,
      leadSeconds = PUBLISH_AHEAD_SECONDS,
      alg = this.#dependencies.config.signingAlgorithm,
    }: Rotation = {},
  ): Promise<KeyEntry | null> {
    const { store, lives, maker, ring, config, audit } = this.#dependencies
    const { now } = context
    const times = { now, publishAheadSeconds: leadSeconds }
    await maker.addIfWanted(scheduleNow({ alg, config, now }, leadSeconds), context, by)
    for (const { kid, activatesAt } of await lives.bringForward(alg, times)) {
      auditKey(`rotated early: ${kid} signs from ${activatesAt}`, { audit, context, by })
    }
    await this.#resealAll()
    await store.renewCopy(context)
    ring.forget()
    const entries = await this.list(context)
    return entries.find((entry) => entry.alg === alg && entry.state !== 'retired') ?? null
  }

  /**
   * Revokes a compromised key: removes it from D1 and the JWKS. The server and APIs then refuse every token that it signed, also
   * refresh tokens. If it signed, a new key signs at once.
   *
   * @returns The revoked key; null for an unknown `kid`
   * @throws StorageUnavailable: earlier changes in D1 stay, and the call can be repeated
   */
  async revokeCompromised(
    kid: string,
    context: RequestContext,
    by: Actor | null = null,
  ): Promise<KeyEntry | null> {
    const { store, lives, ring, audit } = this.#dependencies
    const { now } = context
    const { keys } = await lives.list()
    const replacement = await this.#makeReplacement(kid, keys, now)
    if (await lives.retireCompromised(kid, { now, replacement })) {
      const instead = replacement ? `, ${replacement.kid} (${replacement.alg}) signs instead` : ''
      auditKey(`${reasonOfRevocation(kid)}${instead}`, { audit, context, by })
    }
    ring.forget()
    const entry = (await this.list(context)).find((candidate) => candidate.kid === kid) ?? null
    if (entry) {
      await store.markRetired(kid, context)
      await store.renewCopy(context)
    }
    return entry
  }

  /**
   * Seals the private keys with the new secret during a change of SEALING_KEY.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async reseal(context: RequestContext, by: Actor | null = null): Promise<Resealing> {
    const outcome = await this.#resealAll()
    this.#auditResealing(outcome, context, by)
    await this.#dependencies.store.renewCopy(context)
    return outcome
  }

  async #retireEnded(context: RequestContext): Promise<void> {
    const { store, lives, config, audit } = this.#dependencies
    const { now } = context
    const keys = await store.findAll()
    const signing = selectSigning(keys, config, now)
    const current = selectCurrent(keys, config, now)
    if (!current) return
    const kids = signing.map(({ kid }) => kid)
    const end = endOfKey(config, now)
    for (const kid of await lives.setEnds(kids, { now, end })) {
      const former = keys.find((key) => key.kid === kid)
      const successor = signing.find(({ alg }) => alg === former?.alg) ?? current
      auditKey(`${successor.kid} signs instead of ${kid}; ${kid} verifies until ${end}`, {
        audit,
        context,
        by: null,
      })
    }
    for (const kid of await lives.retireEnded(kids, now)) {
      auditKey(`retired ${kid}: all its tokens have expired`, { audit, context, by: null })
    }
  }

  /**
   * Makes a key that signs at once in place of a key that signs. It needs no publication ahead, because a verifier fetches the
   * JWKS for an unknown `kid`.
   *
   * @returns null if the key does not sign
   */
  async #makeReplacement(
    kid: string,
    keys: readonly KeyRecord[],
    now: number,
  ): Promise<SealedSigningKey | null> {
    const { config, sealingKeys } = this.#dependencies
    const signing = selectSigning(keys, config, now).find((key) => key.kid === kid)
    if (!signing) return null
    const isCurrent = selectCurrent(keys, config, now)?.kid === kid
    return generateSigningKey(isCurrent ? config.signingAlgorithm : signing.alg, sealingKeys, {
      createdAt: now,
      activatesAt: now - CLOCKS_APART_SECONDS,
    })
  }

  async #resealDue(context: RequestContext): Promise<void> {
    const outcome = await this.#resealAll()
    const { resealed, unopened } = outcome
    const isSecretChanging = this.#dependencies.sealingKeys.length > 1
    if (isSecretChanging) this.#auditResealing(outcome, context, null)
    if (resealed.length === 0 && unopened.length === 0 && !isSecretChanging) return
    log('info', 'keys_resealed', { resealed: resealed.length, unopened: unopened.length })
  }

  /** Reseals each key that was sealed with another secret, in another format or with other times. */
  async #resealAll(): Promise<Resealing> {
    const { store } = this.#dependencies
    const outcome: Resealing = { resealed: [], unopened: [] }
    for (const key of await store.findAll()) {
      const list = await this.#resealOne(key)
      if (list) outcome[list].push(key.kid)
    }
    return outcome
  }

  /** Records a change of the secret. A change of the times of a key has another event. */
  #auditResealing({ resealed }: Resealing, context: RequestContext, by: Actor | null): void {
    const { audit } = this.#dependencies
    if (resealed.length > 0) auditKey(`resealed: ${resealed.join(', ')}`, { audit, context, by })
  }

  /** The name of the result list for this key; null if the key needs no new seal. */
  async #resealOne(key: SealedSigningKey): Promise<keyof Resealing | null> {
    const { kid, sealedPrivateJwk } = key
    const { lives, sealingKeys } = this.#dependencies
    try {
      const resealed = await reseal(key, sealedPrivateJwk, sealingKeys)
      const isReplaced = resealed !== null && (await lives.replaceSealed(kid, sealedPrivateJwk, resealed))
      return isReplaced ? 'resealed' : null
    } catch (error) {
      if (error instanceof SealingError) return 'unopened'
      throw error
    }
  }
}

function stateOf(key: KeyRecord, signing: readonly KeyRecord[], now: number): KeyState {
  if (signing.includes(key)) return 'current'
  return key.activatesAt > now ? 'next' : 'verifying'
}

function describeRetired({ retiredAt, ...key }: RetiredKeyRecord): KeyEntry {
  return { ...key, state: 'retired', retiresAt: retiredAt }
}

async function attempt(step: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log('error', 'key_step_failed', { step, cause: describeError(error) })
  }
}

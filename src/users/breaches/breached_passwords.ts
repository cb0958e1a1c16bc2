import type { AuditEvent } from '../../audit/audit_event.ts'
import type { AuditStore } from '../../audit/audit_store.ts'
import type { BreachedPasswordSettings } from '../../config/breached_passwords_schema.ts'
import type { RequestContext } from '../../lib/request_context.ts'
import type { User } from '../user.ts'
import { type Finding, RangeService } from './range_service.ts'

/** The context of a breach check, for the audit trail. */
export type Occasion = Pick<AuditEvent, 'api' | 'clientId' | 'subject' | 'actor' | 'change'> & {
  at: 'sign-in' | 'set'
}

/**
 * Checks passwords against known breaches, if config.yml has `breached_passwords`. It fails open: while the service is down,
 * sign-ins and new passwords continue.
 */
export class BreachedPasswords {
  readonly #settings: BreachedPasswordSettings | null
  readonly #audit: Pick<AuditStore, 'record'>
  readonly #service: RangeService | null

  constructor(settings: BreachedPasswordSettings | null, audit: Pick<AuditStore, 'record'>) {
    this.#settings = settings
    this.#audit = audit
    this.#service = settings === null ? null : new RangeService(settings)
  }

  /** Whether the password of a user needs a check, because it has no check or only an old check. */
  isDue({ breachCheckedAt }: Pick<User, 'breachCheckedAt'>, now: number): boolean {
    if (this.#settings === null) return false
    return breachCheckedAt === null || breachCheckedAt + this.#settings.recheckSeconds <= now
  }

  /**
   * Checks a password. A breached password and a failed check each write an audit event.
   *
   * @param password The result of `encodePassword`.
   */
  async find(password: Uint8Array, occasion: Occasion, context: RequestContext): Promise<Finding['kind']> {
    if (this.#service === null) return 'unknown'
    const finding = await this.#service.find(password, context.now)
    if (finding.kind !== 'clear') this.#count(finding, occasion, context)
    return finding.kind
  }

  #count(finding: Exclude<Finding, { kind: 'clear' }>, occasion: Occasion, context: RequestContext): void {
    const { at, ...about } = occasion
    const isFound = finding.kind === 'found'
    const event: AuditEvent = {
      kind: isFound ? 'breached_password' : 'unchecked_password',
      outcome: isFound && at === 'set' ? 'refused' : 'ok',
      reason: isFound ? `${at}: in a known breach` : `${at}: ${finding.reason}`,
      sid: null,
      ...about,
    }
    this.#audit.record(event, context)
  }
}

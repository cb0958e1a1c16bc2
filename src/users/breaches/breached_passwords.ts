import type { AuditEvent } from '../../audit/audit_event.ts'
import type { AuditStore } from '../../audit/audit_store.ts'
import type { BreachedPasswordSettings } from '../../config/breached_passwords_schema.ts'
import type { RequestContext } from '../../lib/request_context.ts'
import type { User } from '../user.ts'
import { type Finding, RangeService } from './range_service.ts'

/** Where a password is looked for, and whose it is: what the audit trail says of it. */
export type Occasion = Pick<AuditEvent, 'api' | 'clientId' | 'subject' | 'actor' | 'change'> & {
  at: 'sign-in' | 'set'
}

/** Finds passwords that known breaches have, where config.yml says where to ask. What it does not learn lets everybody by. */
export class BreachedPasswords {
  readonly #settings: BreachedPasswordSettings | null
  readonly #audit: Pick<AuditStore, 'record'>
  readonly #service: RangeService | null

  constructor(settings: BreachedPasswordSettings | null, audit: Pick<AuditStore, 'record'>) {
    this.#settings = settings
    this.#audit = audit
    this.#service = settings === null ? null : new RangeService(settings)
  }

  /** Whether a person's password was not looked for yet, or too long ago. */
  isDue({ breachCheckedAt }: Pick<User, 'breachCheckedAt'>, now: number): boolean {
    if (this.#settings === null) return false
    return breachCheckedAt === null || breachCheckedAt + this.#settings.recheckSeconds <= now
  }

  /**
   * Looks for a password. One that is found, and one of which nothing is known, is counted by the audit trail.
   *
   * @param password Of `encodePassword`.
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

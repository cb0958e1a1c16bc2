import type { AuditStore } from '../audit/audit_store.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { SignInMark, SuspectSessions } from '../users/sign_in_mark.ts'
import type { SessionShards } from './session_shards.ts'

const REASON = 'its account was locked within a minute of the sign-in'

/**
 * Ends sessions that began while their account was guessed at: the sign-in may be the guess that was right. Older sessions
 * of the user go on.
 */
export class SuspectSessionEnder implements SuspectSessions {
  readonly #shards: SessionShards
  readonly #audit: Pick<AuditStore, 'record'>

  constructor(shards: SessionShards, audit: Pick<AuditStore, 'record'>) {
    this.#shards = shards
    this.#audit = audit
  }

  /** @throws StorageUnavailable */
  async end(subject: string, signIns: readonly SignInMark[], context: RequestContext): Promise<void> {
    for (const signIn of signIns) await this.#endOne(subject, signIn, context)
  }

  async #endOne(subject: string, signIn: SignInMark, context: RequestContext): Promise<void> {
    const { sid, clientId, api, startedAt, expiresAt } = signIn
    const session = { sid, subject, clientId, api, startedAt, expiresAt, tokenExpiresAt: expiresAt }
    const isFirst = await this.#shards.find(sid)?.end(session, REASON, context.now)
    if (!isFirst) return
    const event = { kind: 'cut_off', outcome: 'ok', reason: REASON, api, clientId, subject, sid } as const
    this.#audit.record(event, context)
  }
}

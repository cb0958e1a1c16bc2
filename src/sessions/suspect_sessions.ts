import type { AuditStore } from '../audit/audit_store.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { SignInMark, SuspectSessions, Suspects } from '../users/sign_in_mark.ts'
import type { SessionShards } from './session_shards.ts'

/**
 * Ends sessions that should not have begun: the sign-in may be the guess that was right, or it read an outdated record of the
 * user. Older sessions of the user go on.
 */
export class SuspectSessionEnder implements SuspectSessions {
  readonly #shards: SessionShards
  readonly #audit: Pick<AuditStore, 'record'>

  constructor(shards: SessionShards, audit: Pick<AuditStore, 'record'>) {
    this.#shards = shards
    this.#audit = audit
  }

  /** @throws StorageUnavailable */
  async end({ signIns, ...suspects }: Suspects, context: RequestContext): Promise<void> {
    for (const signIn of signIns) await this.#endOne(signIn, suspects, context)
  }

  async #endOne(
    { sid, clientId, api, startedAt, expiresAt }: SignInMark,
    { subject, reason }: Omit<Suspects, 'signIns'>,
    context: RequestContext,
  ): Promise<void> {
    const session = { sid, subject, clientId, api, startedAt, expiresAt, tokenExpiresAt: expiresAt }
    const isFirst = await this.#shards.find(sid)?.end(session, reason, context.now)
    if (!isFirst) return
    const event = { kind: 'cut_off', outcome: 'ok', reason, api, clientId, subject, sid } as const
    this.#audit.record(event, context)
  }
}

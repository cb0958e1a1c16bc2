import type { AuditStore } from '../audit/audit_store.ts'
import type { RequestContext } from '../lib/request_context.ts'
import {
  MAX_MARKS,
  type SignInMark,
  type SuspectEnder,
  type Suspects,
  type Suspicion,
} from '../users/sign_in_mark.ts'
import type { SessionShards } from './session_shards.ts'
import type { SignOut } from './sign_out.ts'

interface Dependencies {
  shards: SessionShards
  signOut: Pick<SignOut, 'endUser'>
  audit: Pick<AuditStore, 'record'>
  browserSessions: {
    end(
      ends: { ids: readonly string[]; subject: string; keepUntil: number; reason: Suspicion },
      now: number,
    ): Promise<unknown>
  }
}

/** The most sessions of one browser session that end with it. The cron trigger ends the rest. */
const MAX_BEGUN = 20

/**
 * Ends sessions whose sign-in may be a correct guess, or may have read an outdated record of the user. Older sessions of the
 * user continue. The row of an account lists at most MAX_MARKS sign-ins. If it is full, all sessions of the user end.
 */
export class SuspectSessionEnder implements SuspectEnder {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async end({ signIns, subject, reason }: Suspects, context: RequestContext): Promise<void> {
    if (signIns.length >= MAX_MARKS) {
      await this.#dependencies.signOut.endUser(subject, { reason }, context)
      return
    }
    for (const signIn of signIns) await this.#endOne(signIn, { subject, reason }, context)
  }

  async #endOne(
    { browser, ...signIn }: SignInMark,
    suspects: Omit<Suspects, 'signIns'>,
    context: RequestContext,
  ): Promise<void> {
    if (browser !== null) await this.#endBrowserSession(browser, suspects, context)
    if (signIn.sid !== null) await this.#endSession({ ...signIn, sid: signIn.sid }, suspects, context)
  }

  /** Ends the browser session, so that it starts no further session, and the sessions that began in it. */
  async #endBrowserSession(
    { id, keepUntil }: { id: string; keepUntil: number },
    { subject, reason }: Omit<Suspects, 'signIns'>,
    { now }: RequestContext,
  ): Promise<void> {
    const { shards, browserSessions } = this.#dependencies
    await browserSessions.end({ ids: [id], keepUntil, subject, reason }, now)
    const origin = { browserIds: [id] }
    for (const { endings } of shards.all()) await endings.endBegun(origin, { reason, limit: MAX_BEGUN }, now)
  }

  async #endSession(
    { sid, clientId, api, startedAt, expiresAt }: Omit<SignInMark, 'browser' | 'sid'> & { sid: string },
    { subject, reason }: Omit<Suspects, 'signIns'>,
    context: RequestContext,
  ): Promise<void> {
    const { shards, audit } = this.#dependencies
    const session = { sid, subject, clientId, api, startedAt, expiresAt, tokenExpiresAt: expiresAt }
    const isFirst = await shards.find(sid)?.end(session, reason, context.now)
    if (!isFirst) return
    const event = { kind: 'cut_off', outcome: 'ok', reason, api, clientId, subject, sid } as const
    audit.record(event, context)
  }
}

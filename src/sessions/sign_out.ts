import type { AuditStore } from '../audit/audit_store.ts'
import type { ClientChange, ClientStore } from '../clients/client_store.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { UserChange, UserStore } from '../users/user_store.ts'
import { type CutoffStore, cutoffTime } from './cutoff_store.ts'

interface Dependencies {
  users: UserStore
  clients: ClientStore
  cutoffs: CutoffStore
  audit: AuditStore
}

export interface NewPassword {
  /** A PHC string. */
  passwordHash: string
  /** The caller's own session, to go on; null or absent where it ends like the others. */
  keptSid?: string | null
}

/**
 * Ends every session of a person or of a client. The change, and what the revocation feed lists of it, are one
 * transaction; refreshes are refused at once, access tokens wherever the feed has come.
 */
export class SignOut {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  everywhere(userId: string, context: RequestContext): Promise<void> {
    return this.#endUser(userId, 'signed out everywhere', {}, context)
  }

  /**
   * Sets a new password. The caller's own session goes on if asked: its access token dies with the others at the APIs,
   * and its next refresh brings a new one.
   */
  changePassword(
    userId: string,
    { passwordHash, keptSid = null }: NewPassword,
    context: RequestContext,
  ): Promise<void> {
    return this.#endUser(userId, 'the password was changed', { passwordHash, keptSid }, context)
  }

  disableUser(userId: string, context: RequestContext): Promise<void> {
    return this.#endUser(userId, 'the user was disabled', { enabled: false }, context)
  }

  disableClient(clientId: string, context: RequestContext): Promise<void> {
    return this.#endClient(clientId, 'the client was disabled', { enabled: false }, context)
  }

  /** For a secret that leaked: the client stays, all that was issued to it dies. */
  endTokensOfClient(clientId: string, reason: string, context: RequestContext): Promise<void> {
    return this.#endClient(clientId, reason, {}, context)
  }

  async #endUser(
    userId: string,
    reason: string,
    change: Omit<UserChange, 'tokensValidFrom'>,
    context: RequestContext,
  ): Promise<void> {
    const { users, cutoffs } = this.#dependencies
    const before = cutoffTime(context.now)
    const listing = cutoffs.addition({ kind: 'sub', value: userId, before, reason }, context.now)
    await users.endTokens(userId, { ...change, tokensValidFrom: before }, [listing])
    this.#audit({ subject: userId, clientId: null }, reason, context)
  }

  async #endClient(
    clientId: string,
    reason: string,
    change: Omit<ClientChange, 'tokensValidFrom'>,
    context: RequestContext,
  ): Promise<void> {
    const { clients, cutoffs } = this.#dependencies
    const before = cutoffTime(context.now)
    const listing = cutoffs.addition({ kind: 'client_id', value: clientId, before, reason }, context.now)
    await clients.endTokens(clientId, { ...change, tokensValidFrom: before }, [listing])
    this.#audit({ subject: null, clientId }, reason, context)
    await clients.renewCopy(clientId, context)
  }

  #audit(
    who: { subject: string | null; clientId: string | null },
    reason: string,
    context: RequestContext,
  ): void {
    const event = { kind: 'cut_off', outcome: 'ok', reason, api: null, sid: null, ...who } as const
    this.#dependencies.audit.record(event, context)
  }
}

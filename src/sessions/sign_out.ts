import type { AuditEvent } from '../audit/audit_event.ts'
import type { AuditStore } from '../audit/audit_store.ts'
import type { Config } from '../config/config.ts'
import type { EditOutcome, TokenStarts } from '../lib/edit.ts'
import type { RequestContext } from '../lib/request_context.ts'
import type { Statements } from '../storage/idempotency_store.ts'
import type { UserAdminStore, UserConditions, UserEdit } from '../users/user_admin_store.ts'
import type { UserRecord } from '../users/user_record.ts'
import {
  clientRevocationTime,
  type NewRevocation,
  type RevocationStore,
  revocationTime,
} from './revocation_store.ts'

export interface RevocationParts {
  revocations: RevocationStore
  audit: AuditStore
  config: Pick<Config, 'longestAccessTokenSeconds'>
}

interface Dependencies extends RevocationParts {
  userAdmin: UserAdminStore
}

/** A revocation of the tokens of a user or of a client. */
export interface OwnerRevocation<Edit, Conditions> {
  reason: string
  /** Other changes of the record in the same statement. */
  edit?: Edit
  /** The conditions of the change. An absent condition is always true. */
  conditions?: Partial<Conditions>
  /** Further members of the audit event, such as the operator. */
  event?: Partial<AuditEvent>
  /** Further statements of the transaction. They do nothing if `changes()` is 0, or the revocation has no conditions. */
  alongside?: Statements
}

type UserRevocation = OwnerRevocation<Omit<UserEdit, keyof TokenStarts>, UserConditions>

/**
 * Ends every session of a user. One transaction writes the change, the feed entry and the audit event. The
 * token endpoint refuses refreshes at once. An API refuses access tokens after it has read the feed.
 */
export class SignOut {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** @throws StorageUnavailable, CorruptRecord */
  endUser(
    userId: string,
    revocation: UserRevocation,
    context: RequestContext,
  ): Promise<EditOutcome<UserRecord>> {
    return this.#changeUser(userId, revocation, { tokensValidFrom: revocationTime(context.now) }, context)
  }

  /**
   * Removes rights from a user: revokes older access tokens, and the sessions continue. A refresh gives an access token with
   * the remaining rights.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  reduceUser(
    userId: string,
    revocation: UserRevocation,
    context: RequestContext,
  ): Promise<EditOutcome<UserRecord>> {
    return this.#changeUser(userId, revocation, { accessValidFrom: revocationTime(context.now) }, context)
  }

  #changeUser(userId: string, revocation: UserRevocation, starts: TokenStarts, context: RequestContext) {
    const edit = { ...revocation.edit, ...starts }
    const alongside = [...this.#alongsideUser(userId, revocation, context), ...(revocation.alongside ?? [])]
    return this.#dependencies.userAdmin.change(userId, edit, userConditions(revocation, context), alongside)
  }

  /** Deletes a user and ends the sessions. The audit events stay. @throws StorageUnavailable, CorruptRecord */
  removeUser(
    userId: string,
    revocation: UserRevocation,
    context: RequestContext,
  ): Promise<EditOutcome<UserRecord>> {
    const conditions = userConditions(revocation, context)
    const alongside = this.#alongsideUser(userId, revocation, context)
    const statements = [...alongside, ...(revocation.alongside ?? [])]
    return this.#dependencies.userAdmin.remove(userId, conditions, statements)
  }

  #alongsideUser(userId: string, { reason, event }: UserRevocation, context: RequestContext) {
    const revocation = { kind: 'sub', value: userId, reason, clientId: null } as const
    return revocationStatements(
      this.#dependencies,
      { ...revocation, event: { subject: userId, ...event } },
      context,
    )
  }
}

function userConditions({ conditions }: UserRevocation, { now }: RequestContext): UserConditions {
  return { versions: null, adminPool: null, now, ...conditions }
}

/** Creates the statements for the feed entry and the audit event. They run after the statement of the change. */
export function revocationStatements(
  { revocations, audit, config }: RevocationParts,
  revocation: Omit<NewRevocation, 'before' | 'expiresAt'> & { event: Partial<AuditEvent> },
  context: RequestContext,
) {
  const { event, ...entry } = revocation
  const { reason, kind } = entry
  const before = (kind === 'sub' ? revocationTime : clientRevocationTime)(context.now)
  const expiresAt = before + config.longestAccessTokenSeconds
  const unknown = { api: null, clientId: null, subject: null, sid: null }
  return [
    audit.additionIfChanged({ ...unknown, kind: 'cut_off', outcome: 'ok', reason, ...event }, context),
    revocations.additionIfChanged({ ...entry, before, expiresAt }, context.now),
  ]
}

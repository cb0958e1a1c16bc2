import type { ClientAdminStore, ClientConditions, ClientEdit } from '../clients/client_admin_store.ts'
import type { ClientRecord } from '../clients/client_record.ts'
import type { ClientStore } from '../clients/client_store.ts'
import type { EditOutcome, TokenStarts } from '../lib/edit.ts'
import type { RequestContext } from '../lib/request_context.ts'
import { clientRevocationTime } from './revocation_store.ts'
import { type OwnerRevocation, type RevocationParts, revocationStatements } from './sign_out.ts'

interface Dependencies extends RevocationParts {
  clients: ClientStore
  clientAdmin: ClientAdminStore
}

type ClientRevocation = OwnerRevocation<Omit<ClientEdit, keyof TokenStarts>, ClientConditions>

/**
 * Ends every session of a client. One transaction writes the change, the feed entry and the audit event. The token endpoint refuses
 * refreshes at once. An API refuses access tokens after it has read the feed.
 */
export class ClientSignOut {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** The caller must renew the KV copy of the client afterwards. @throws StorageUnavailable, CorruptRecord */
  end(
    clientId: string,
    revocation: ClientRevocation,
    context: RequestContext,
  ): Promise<EditOutcome<ClientRecord>> {
    return this.#change(clientId, revocation, { tokensValidFrom: clientRevocationTime(context.now) }, context)
  }

  /** Removes rights from a client, like `SignOut.reduceUser`. The caller must renew the KV copy of the client afterwards. */
  reduce(
    clientId: string,
    revocation: ClientRevocation,
    context: RequestContext,
  ): Promise<EditOutcome<ClientRecord>> {
    return this.#change(clientId, revocation, { accessValidFrom: clientRevocationTime(context.now) }, context)
  }

  async #change(
    clientId: string,
    revocation: ClientRevocation,
    starts: TokenStarts,
    context: RequestContext,
  ) {
    const { clients, clientAdmin } = this.#dependencies
    const edit = { ...revocation.edit, ...starts }
    const alongside = this.#alongside(clientId, revocation, context)
    const outcome = await clientAdmin.change(
      clientId,
      edit,
      { versions: null, now: context.now, ...revocation.conditions },
      alongside,
    )
    clients.forget(clientId)
    return outcome
  }

  /** Deletes a client. The caller must renew its KV copy afterwards. @throws StorageUnavailable, CorruptRecord */
  async remove(
    clientId: string,
    revocation: ClientRevocation,
    context: RequestContext,
  ): Promise<EditOutcome<ClientRecord>> {
    const { clients, clientAdmin } = this.#dependencies
    const conditions = { versions: null, now: context.now, ...revocation.conditions }
    const alongside = this.#alongside(clientId, revocation, context)
    const outcome = await clientAdmin.remove(clientId, conditions, alongside)
    clients.forget(clientId)
    return outcome
  }

  #alongside(clientId: string, { reason, event }: ClientRevocation, context: RequestContext) {
    const revocation = { kind: 'client_id', value: clientId, reason, clientId } as const
    return revocationStatements(this.#dependencies, { ...revocation, event: { ...event, clientId } }, context)
  }
}

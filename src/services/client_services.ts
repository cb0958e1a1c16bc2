import { AssertionVerifier } from '../clients/assertions/assertion_verifier.ts'
import { RemoteKeys } from '../clients/assertions/remote_keys.ts'
import { ClientStore } from '../clients/client_store.ts'
import { ClientTableStore } from '../clients/client_table_store.ts'
import { ClientUseStore } from '../clients/client_use_store.ts'
import { MetadataClientStore } from '../clients/metadata/metadata_client_store.ts'
import { MetadataClients } from '../clients/metadata/metadata_clients.ts'
import { MetadataDocuments } from '../clients/metadata/metadata_documents.ts'
import { OriginStore } from '../clients/origin_store.ts'
import type { Config } from '../config/config.ts'
import { isLoopback } from '../config/origin.ts'
import { Outbound } from '../lib/outbound.ts'
import { TOKEN_ENDPOINT_PATH } from '../oauth/token_endpoint_path.ts'
import type { Environment } from './environment.ts'
import type { StorageServices } from './storage_services.ts'

export type ClientServices = ReturnType<typeof createClientServices>

/** Creates the stores of clients. `clients` reads copies, and `clientTable` reads D1. `outbound` fetches documents of clients. */
export function createClientServices(
  { db }: Environment,
  config: Config,
  { copies, changes, bursts }: StorageServices,
) {
  const { issuer } = config
  const clientTable = new ClientTableStore(db)
  const outbound = new Outbound({ allowsLoopback: isLoopback(issuer) })
  const documents = new MetadataDocuments({ config, copies, outbound, bursts })
  const metadataClients = new MetadataClients({ config, documents })
  const audiences = { issuer, token_endpoint: issuer + TOKEN_ENDPOINT_PATH }
  return {
    assertions: new AssertionVerifier(audiences, new RemoteKeys({ copies, outbound })),
    outbound,
    documents,
    clientTable,
    clients: new ClientStore({ table: clientTable, copies, changes, metadataClients }),
    metadataClients: new MetadataClientStore(db),
    clientUse: new ClientUseStore(db),
    origins: new OriginStore(db, copies),
  }
}

import { CALLBACK } from './authorize.ts'
import { RemoteDocuments } from './remote_documents.ts'
import { BACKOFFICE_AUDIENCE, STOREFRONT_AUDIENCE, type TestClient, TestServer } from './server.ts'

const HOST = 'agent.example'

/** config.yml with two APIs for agents, one without, and one trusted host. */
export const AGENT_CONFIG = {
  apis: {
    backoffice: { audience: BACKOFFICE_AUDIENCE, users: 'staff', scopes: ['users'] },
    storefront: {
      audience: STOREFRONT_AUDIENCE,
      users: 'customers',
      agents: true,
      scopes: ['cart', 'orders'],
      scope_texts: { cart: 'Your cart', orders: 'Your orders' },
    },
    catalog: {
      audience: 'https://catalog.shop.test/',
      users: 'customers',
      agents: true,
      scopes: ['search'],
      scope_texts: { search: 'Searches' },
    },
    admin: { audience: 'https://id.shop.test/admin/api', users: 'operators' },
  },
  admin_api: 'admin',
  agents: { trusted_hosts: [HOST], default_api: 'storefront' },
}

/** A document of an agent, and its client id. */
export interface AgentDocument {
  url: string
  /** Where the document is published. */
  documents: RemoteDocuments
  /** Publishes the document, changed as asked. */
  publish(changes?: Record<string, unknown>, headers?: Record<string, string>): void
  /** The client for the helpers of the code flow. */
  client: TestClient
}

/** A new document of a public client with refresh tokens. */
export async function newDocument(
  server: TestServer,
  { changes = {}, host = HOST }: { changes?: Record<string, unknown>; host?: string } = {},
  documents = RemoteDocuments.start(),
): Promise<AgentDocument> {
  const url = `https://${host}/${crypto.randomUUID()}/client.json`
  const usual = {
    client_id: url,
    client_name: 'Shopping agent',
    redirect_uris: [CALLBACK],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
  const publish: AgentDocument['publish'] = (now = {}, headers = {}) =>
    documents.setJson(url, { ...usual, ...changes, ...now }, headers)
  publish()
  const { record } = await server.addClient({ api: 'storefront', confidential: false })
  return { url, documents, publish, client: { id: url, secret: '', record: { ...record, id: url } } }
}

/** A server that accepts documents. */
export function agentServer(config: Record<string, unknown> = {}): TestServer {
  return new TestServer({ config: { ...AGENT_CONFIG, ...config } })
}

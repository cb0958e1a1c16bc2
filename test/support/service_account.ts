import type { AdminScope } from '../../src/oauth/admin_scope.ts'
import { TestCaller } from './operator.ts'
import { credentials, type TestClient, type TestServer, type TokenResponse } from './server.ts'

/** A confidential client of the admin API, with its own token. */
export class TestServiceAccount extends TestCaller {
  readonly client: TestClient

  constructor(server: TestServer, client: TestClient, tokens: TokenResponse) {
    super(server, tokens)
    this.client = client
  }

  static async withScopes(server: TestServer, scopes: AdminScope[]): Promise<TestServiceAccount> {
    const client = await server.addClient({ api: 'admin', grants: ['client_credentials'], scopes })
    return new TestServiceAccount(server, client, await requestTokens(server, client))
  }

  /** The same account with a new token, at another isolate. */
  async at(server: TestServer): Promise<TestServiceAccount> {
    return new TestServiceAccount(server, this.client, await requestTokens(server, this.client))
  }
}

function requestTokens(server: TestServer, client: TestClient): Promise<TokenResponse> {
  return server.requireTokens({ grant_type: 'client_credentials', ...credentials(client) })
}

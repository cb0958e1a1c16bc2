import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { CHANGE_LIST_SECONDS, CLIENT_COPY_SECONDS } from '../src/storage/copy_ages.ts'
import { TestOperator } from './support/operator.ts'
import { credentials, emptyStores, type TestClient, TestServer } from './support/server.ts'

// Other files must not find the copies of the clients and origins of this file.
afterAll(emptyStores)

const CHANGES: readonly [string, (operator: TestOperator, client: TestClient) => Promise<unknown>][] = [
  ['was disabled', (operator, { id }) => operator.post(`/clients/${id}/disable`)],
  [
    'has its secret retired',
    async (operator, { id }) => {
      const { body } = await operator.get(`/clients/${id}`)
      const [secret] = (body as { secrets: { secret_id: string }[] }).secrets
      return operator.post(`/clients/${id}/secrets/${secret?.secret_id}/retire`, {})
    },
  ],
]

const AGES = [CHANGE_LIST_SECONDS.max + 1, CLIENT_COPY_SECONDS.max - 1]

const CASES = CHANGES.flatMap(([what, change]) =>
  AGES.flatMap((age) => ['introspect', 'revoke'].map((path) => ({ what, age, path, change }))),
)

describe('the first request of a client to an isolate that has been idle', () => {
  beforeEach(emptyStores)

  it.each(CASES)(
    'the first request to $path is refused $age s after the client $what',
    async ({ age, path, change }) => {
      const server = new TestServer()
      const operator = await TestOperator.signIn(server)
      const client = await server.addClient()
      const idle = server.anotherIsolate()
      const { access_token: token } = await idle.signIn(client, (await server.addUser()).username)
      await change(operator, client)
      server.clock.time += age
      const response = await idle.postJson({ ...credentials(client), token }, {}, `/oauth2-token/${path}`)
      expect([response.status, await response.json()]).toEqual([
        401,
        { error: 'invalid_client', error_description: 'Client authentication failed.' },
      ])
    },
  )
})

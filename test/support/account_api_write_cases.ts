import { API_OPERATIONS } from '../../src/account/api/operations.ts'
import { accountApi, SHOP_CLIENT, tokenOf } from './account_api.ts'
import { credentials, PASSWORD } from './server.ts'
import { HERE, type World, type WriteCase } from './write_cases.ts'

/** A case of an operation of a signed-in user. */
function calling(
  what: string,
  [operation, body]: [operation: string, body?: (username: string, i: number) => object],
  { expected, toExhaust, isOld = false, ...client }: CallingCase,
): WriteCase {
  const [method = '', path = ''] = operation.split(' ')
  return {
    what,
    path: accountApi() + (path === '/' ? '' : path),
    expected,
    ...(toExhaust !== undefined && { toExhaust }),
    async prepare({ server }: World) {
      const { username } = await server.addUser()
      const token = await tokenOf(server, await server.addClient({ ...SHOP_CLIENT, ...client }), username)
      if (isOld) server.clock.time += 601
      const headers = { ...HERE, Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
      return (i) => {
        const text = body === undefined ? null : JSON.stringify(body(username, i))
        return server.fetch(accountApi() + (path === '/' ? '' : path), { method, headers, body: text })
      }
    },
  }
}

interface CallingCase extends Pick<WriteCase, 'expected' | 'toExhaust'> {
  isFirstParty?: boolean
  /** The scopes of the client and its token. */
  scopes?: string[]
  /** Whether the sign-in is older than 10 minutes. */
  isOld?: boolean
}

const DENIED: [number, string] = [403, 'access_denied']
const UNKNOWN: [number, string] = [404, 'invalid_request']

/** A refusal that the JSON API of the account shares with the userinfo endpoint. */
export const NO_ACCOUNT_SCOPE = calling('a token without the scope account', ['GET /'], {
  expected: [403, 'insufficient_scope'],
  scopes: ['cart'],
})

/** The refusals that only the JSON API of the account has. */
export const ACCOUNT_API_REFUSALS = {
  insufficient_user_authentication: [
    calling('an old sign-in', ['GET /data'], {
      expected: [401, 'insufficient_user_authentication'],
      isOld: true,
    }),
  ],
  not_allowed: [
    calling('the token of a third-party client', ['GET /'], { expected: DENIED, isFirstParty: false }),
  ],
  unknown_item: [
    calling('an unknown session', ['DELETE /sessions/x'], { expected: UNKNOWN }),
    calling('an unknown application', ['DELETE /applications/x'], { expected: UNKNOWN }),
    calling('an unknown passkey', ['DELETE /passkeys/x'], { expected: UNKNOWN }),
    calling('recovery codes without an app', ['POST /recovery-codes'], { expected: UNKNOWN }),
  ],
  refused_value: [
    calling('another name as the confirmation', ['POST /deletion', () => ({ username: 'x' })], {
      expected: [400, 'invalid_request'],
    }),
    calling('a passkey that does not verify', ['POST /passkeys', () => ({ sealed: 'x', response: 'x' })], {
      expected: [400, 'invalid_request'],
    }),
    calling(
      'another sealed key of an app',
      ['POST /authenticator-app/confirm', () => ({ sealed: 'x', code: '123456' })],
      { expected: [400, 'invalid_request'] },
    ),
    calling('a text that is no address', ['POST /email', () => ({ email: 'x' })], {
      expected: [400, 'invalid_request'],
    }),
  ],
} satisfies Record<string, readonly WriteCase[]>

/** The requests that succeed, or whose first request does. */
export const ACCOUNT_API_CASES: readonly WriteCase[] = [
  calling(
    'the current password as the new one',
    ['POST /password', () => ({ current_password: PASSWORD, password: PASSWORD })],
    { expected: [400, 'refused_password'], toExhaust: 40 },
  ),
  calling('reads', ['GET /'], { expected: [200] }),
  calling('lists of sessions', ['GET /sessions'], { expected: [200] }),
  calling('lists of applications', ['GET /applications'], { expected: [200] }),
  calling('lists of passkeys', ['GET /passkeys'], { expected: [200] }),
  calling('options of new passkeys', ['POST /passkeys/options'], { expected: [200] }),
  calling('keys of new apps', ['POST /authenticator-app'], { expected: [200] }),
  calling('downloads', ['GET /data'], { expected: [200] }),
  calling('changes of the profile', ['PATCH /', (_username, i) => ({ name: `Ann ${i}` })], {
    expected: [204],
  }),
  calling('requests for mails to a new address', ['POST /email', () => ({ email: 'new@shop.test' })], {
    expected: [202],
  }),
  {
    what: 'requests for mails with a link to a new password',
    path: `${accountApi()}/password-reset`,
    expected: [202],
    async prepare({ server }) {
      const client = await server.addClient(SHOP_CLIENT)
      return (i) =>
        server.postJson(
          { ...credentials(client), username: `${i}@shop.test` },
          HERE,
          `${accountApi()}/password-reset`,
        )
    },
  },
  {
    what: 'tokens that are no link',
    path: `${accountApi()}/password-reset/confirm`,
    expected: [400, 'invalid_request'],
    async prepare({ server }) {
      const client = await server.addClient(SHOP_CLIENT)
      const body = { ...credentials(client), token: 'x', password: PASSWORD }
      return () => server.postJson(body, HERE, `${accountApi()}/password-reset/confirm`)
    },
  },
]

/** The operations that end the session of their token: their second request is refused. */
const ENDING = new Set(['POST /password', 'DELETE /sessions', 'POST /deletion', 'DELETE /sessions/{sid}'])

/** The operations of the API without a case of a flood. */
export function operationsWithoutCase(): string[] {
  const cases = [...ACCOUNT_API_CASES, ...Object.values(ACCOUNT_API_REFUSALS).flat()]
  const tried = new Set(cases.map(({ path }) => path))
  return API_OPERATIONS.map(({ method, path }) => ({ name: `${method} ${path}`, path }))
    .filter(({ name, path }) => !ENDING.has(name) && !tried.has(accountApi() + path.replace(/\{\w+\}/, 'x')))
    .map(({ name }) => name)
}

import { decodeJwt } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { auditOf } from '../support/audit.ts'
import { authorize, CODE_CLIENT, exchangeOf } from '../support/authorize.ts'
import { CHALLENGE_PATH, challengeOf } from '../support/challenge.ts'
import { DpopKey } from '../support/dpop.ts'
import {
  credentials,
  emptyStores,
  PASSWORD,
  type TestClient,
  TestServer,
  type TokenResponse,
} from '../support/server.ts'

const PAR = '/oauth2-token/par'

let server: TestServer
let client: TestClient
let user: { id: string; username: string }
let key: DpopKey
let other: DpopKey

beforeAll(async () => {
  await emptyStores()
  server = new TestServer()
  client = await server.addClient({
    ...CODE_CLIENT,
    grants: ['authorization_code', 'refresh_token', 'password'],
    confidential: true,
  })
  user = await server.addUser()
  key = await DpopKey.create()
  other = await DpopKey.create()
})

/** The headers of a request with a proof of a key; none for null. */
const proofOf = async (signer: DpopKey | null, path?: string): Promise<Record<string, string>> =>
  signer === null ? {} : { DPoP: await signer.prove(server, path === undefined ? {} : { path }) }

async function post<T = TokenResponse>(body: object, headers: Record<string, string>, path?: string) {
  const response = await server.postJson(body, headers, path)
  expect(response.ok).toBe(true)
  return response.json<T>()
}

async function exchange(code: string | null, signer: DpopKey | null): Promise<TokenResponse> {
  return post(exchangeOf(client, code, { redirect_uri: undefined }), await proofOf(signer))
}

async function newGuest(signer: DpopKey | null): Promise<TokenResponse> {
  const parameters = { grant_type: 'password', ...credentials(client), username: 'guest', password: 'guest' }
  return post(parameters, await proofOf(signer))
}

/** Signs the user in with the token of a guest, and with proofs of a key or without a proof. */
type SignIn = (token: string, signer: DpopKey | null) => Promise<TokenResponse>

const WAYS: Record<string, SignIn> = {
  'the password grant': async (token, signer) => {
    const parameters = { grant_type: 'password', ...credentials(client), username: user.username }
    return post({ ...parameters, password: PASSWORD, visitor_access_token: token }, await proofOf(signer))
  },
  'the challenge endpoint': async (token, signer) => {
    const { username } = user
    const send = async (changes: object) =>
      server.postJson(
        challengeOf(client, { ...changes }),
        await proofOf(signer, CHALLENGE_PATH),
        CHALLENGE_PATH,
      )
    const begun = await send({ visitor_access_token: token })
    const { auth_session } = await begun.json<{ auth_session: string }>()
    const done = await send({ auth_session, username, password: PASSWORD })
    const { authorization_code: code } = await done.json<{ authorization_code: string }>()
    return exchange(code, signer)
  },
  'a pushed request': async (token, signer) => {
    const body = { ...challengeOf(client), visitor_access_token: token }
    const headers = await proofOf(signer, PAR)
    const { request_uri } = await post<{ request_uri: string }>(body, headers, PAR)
    const changes = { request_uri, redirect_uri: undefined, response_type: undefined, state: undefined }
    const end = await authorize(server, client, { username: user.username, changes })
    return exchange(end.get('code'), signer)
  },
  'an authorization request with dpop_jkt': async (token, signer) => {
    const changes = {
      visitor_access_token: token,
      dpop_jkt: signer?.thumbprint,
      redirect_uri: undefined,
    }
    const end = await authorize(server, client, { username: user.username, changes })
    return exchange(end.get('code'), signer)
  },
}

describe('a visitor_access_token that is bound to a key', () => {
  it.each(Object.entries(WAYS))(
    '%s merges the guest only with a proof of its key, so a stolen token merges no cart',
    async (_way, signIn) => {
      const guest = await newGuest(key)
      const { sub: visitor, sid } = decodeJwt<{ sub: string; sid: string }>(guest.access_token)
      for (const signer of [null, other]) {
        const customer = decodeJwt(await signIn(guest.access_token, signer).then((got) => got.access_token))
        expect([customer.sub, customer.visitor_id]).toEqual([user.id, undefined])
        expect((await auditOf({ kind: 'merge' })).at(-1)).toMatchObject({
          outcome: 'refused',
          reason: 'the token is bound to another key',
        })
      }
      expect(await auditOf({ kind: 'merge', sid })).toEqual([])
      const { access_token: merged } = await signIn(guest.access_token, key)
      expect(decodeJwt(merged).visitor_id).toBe(visitor)
      const bearer = await newGuest(null)
      const { access_token: bound } = await signIn(bearer.access_token, key)
      expect(decodeJwt(bound).visitor_id).toBe(decodeJwt(bearer.access_token).sub)
    },
  )
})

import { decodeJwt } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { accountApi, SHOP_CLIENT } from '../support/account_api.ts'
import { CODE_CLIENT, exchangeOf, newCode } from '../support/authorize.ts'
import { CHALLENGE_PATH, type ChallengeResponse, challengeOf, STEP_CLIENT } from '../support/challenge.ts'
import { DpopKey } from '../support/dpop.ts'
import {
  ACCOUNT_SCOPE,
  emptyStores,
  ISSUER,
  PASSWORD,
  type TestClient,
  TestServer,
  type TokenResponse,
} from '../support/server.ts'

const USERINFO = '/oauth2-token/userinfo'
const ME = '/admin/api/me'
const PAR = '/oauth2-token/par'

let server: TestServer
let key: DpopKey
let other: DpopKey

beforeEach(async () => {
  await emptyStores()
  server = new TestServer({ config: { ...ACCOUNT_SCOPE, accounts: { customers: { self_service: true } } } })
  key = await DpopKey.create()
  other = await DpopKey.create()
})

async function signIn(client: TestClient, username: string): Promise<string> {
  const parameters = { grant_type: 'password', client_id: client.id, username, password: PASSWORD }
  const response = await server.postJson(parameters, { DPoP: await key.prove(server) })
  return (await response.json<TokenResponse>()).access_token
}

/** A path with a token that it accepts from its holder. */
const RESOURCES: Record<string, { path: string; prepare: () => Promise<string> }> = {
  userinfo: {
    path: USERINFO,
    async prepare() {
      const client = await server.addClient({ ...CODE_CLIENT, confidential: false })
      const { id } = await server.addUser()
      const code = await newCode(server, client, id, { scope: ['openid'] })
      const exchange = { ...exchangeOf(client, code), client_secret: undefined }
      const response = await server.postJson(exchange, { DPoP: await key.prove(server) })
      return (await response.json<TokenResponse>()).access_token
    },
  },
  'the JSON API of the account': {
    path: accountApi(),
    async prepare() {
      const client = await server.addClient({ ...SHOP_CLIENT, confidential: false })
      return signIn(client, (await server.addUser()).username)
    },
  },
  'the admin API': {
    path: ME,
    async prepare() {
      const client = await server.addClient({ api: 'admin', confidential: false })
      return signIn(client, (await server.addUser({ pool: 'operators', roles: ['admin'] })).username)
    },
  },
}

describe('a bound access token (RFC 9449 §7)', () => {
  it.each(Object.entries(RESOURCES))(
    '%s accepts it only with a proof of its key, once',
    async (_, { path, prepare }) => {
      const token = await prepare()
      const get = (scheme: string, proof: string | null) =>
        server.fetch(path, {
          headers: { Authorization: `${scheme} ${token}`, ...(proof === null ? {} : { DPoP: proof }) },
        })
      const target = { method: 'GET', path, accessToken: token }
      const right = await key.prove(server, target)
      const statuses = {
        'the scheme Bearer': (await get('Bearer', null)).status,
        'the scheme Bearer with a proof': (await get('Bearer', await key.prove(server, target))).status,
        'no proof': (await get('DPoP', null)).status,
        'the proof of another key': (await get('DPoP', await other.prove(server, target))).status,
        'a proof without ath': (await get('DPoP', await key.prove(server, { method: 'GET', path }))).status,
        'a proof of another token': (
          await get('DPoP', await key.prove(server, { ...target, accessToken: 'x' }))
        ).status,
        'a proof for another path': (await get('DPoP', await key.prove(server, { ...target, path: '/' })))
          .status,
        'the right proof': (await get('dpop', right)).status,
        'the right proof again': (await get('DPoP', right)).status,
      }
      expect(statuses).toEqual({
        ...Object.fromEntries(Object.keys(statuses).map((what) => [what, 401])),
        'the right proof': 200,
      })
    },
  )

  it('a refusal has a challenge of the scheme DPoP, and scripts may read it', async () => {
    const client = await server.addClient({
      ...SHOP_CLIENT,
      confidential: false,
      origins: ['https://shop.test'],
    })
    const token = await signIn(client, (await server.addUser()).username)
    const headers = { Authorization: `DPoP ${token}`, Origin: 'https://shop.test' }
    const refused = await server.fetch(USERINFO, { headers })
    expect([refused.status, refused.headers.get('WWW-Authenticate')]).toEqual([
      401,
      `DPoP realm="${ISSUER}", error="invalid_token", algs="ES256 RS256 PS256 EdDSA Ed25519"`,
    ])
    expect(refused.headers.get('Access-Control-Expose-Headers')).toContain('DPoP-Nonce')
    const preflight = await server.fetch('/oauth2-token', {
      method: 'OPTIONS',
      headers: { Origin: 'https://shop.test', 'Access-Control-Request-Method': 'POST' },
    })
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('DPoP')
  })

  it('a bearer token is refused with the scheme DPoP', async () => {
    const client = await server.addClient({ ...SHOP_CLIENT, confidential: false })
    const { access_token: token } = await server.signIn(client, (await server.addUser()).username)
    const proof = await key.prove(server, { method: 'GET', path: accountApi(), accessToken: token })
    const headers = { Authorization: `DPoP ${token}`, DPoP: proof }
    expect((await server.fetch(accountApi(), { headers })).status).toBe(401)
  })
})

describe('a request that the client pushes (RFC 9449 §10.1)', () => {
  const pushed = (client: TestClient, changes: object = {}) => ({
    ...challengeOf(client),
    redirect_uri: CODE_CLIENT.redirectUris[0],
    ...changes,
  })
  const push = async (client: TestClient, changes: object, signer: DpopKey) =>
    server.postJson(pushed(client, changes), { DPoP: await signer.prove(server, { path: PAR }) }, PAR)

  it('the proof binds the code, and dpop_jkt of another key is refused', async () => {
    const client = await server.addClient(CODE_CLIENT)
    const response = await push(client, {}, key)
    const { request_uri: uri } = await response.json<{ request_uri: string }>()
    expect((await server.services.requests.open(uri))?.request.proofKey).toBe(key.thumbprint)
    expect((await push(client, { dpop_jkt: key.thumbprint }, key)).status).toBe(201)
    const refused = await push(client, { dpop_jkt: other.thumbprint }, key)
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: 'invalid_dpop_proof' }])
  })
})

describe('a public client at the challenge endpoint (First-Party Applications draft §9.4)', () => {
  const send = async (client: TestClient, changes: Record<string, unknown>, signer: DpopKey | null) => {
    const headers = signer === null ? {} : { DPoP: await signer.prove(server, { path: CHALLENGE_PATH }) }
    const body = { ...challengeOf(client, changes), client_secret: undefined }
    const response = await server.postJson(body, headers, CHALLENGE_PATH)
    return { status: response.status, ...(await response.json<Omit<ChallengeResponse, 'status'>>()) }
  }

  it('signs a user in with one key, to which its code is bound', async () => {
    const client = await server.addClient({ ...STEP_CLIENT, confidential: false })
    const { username } = await server.addUser()
    expect(await send(client, {}, null)).toMatchObject({ status: 400, error: 'unauthorized_client' })
    const { auth_session: begun } = await send(client, { username }, key)
    const password = { auth_session: begun, username, password: PASSWORD }
    expect(await send(client, password, other)).toMatchObject({ status: 400, error: 'invalid_session' })
    expect(await send(client, password, null)).toMatchObject({ status: 400, error: 'unauthorized_client' })
    const { authorization_code: code = '' } = await send(client, password, key)
    const exchange = { ...exchangeOf(client, code), redirect_uri: undefined, client_secret: undefined }
    const tokens = await server.postJson(exchange, { DPoP: await key.prove(server) })
    const { access_token: token } = await tokens.json<TokenResponse>()
    expect(decodeJwt(token).cnf).toEqual({ jkt: key.thumbprint })
  })
})

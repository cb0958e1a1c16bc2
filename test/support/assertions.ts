import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { type AssertionAlgorithm, nameOfKey } from '../../src/clients/assertions/public_keys.ts'
import { JWT_ASSERTION_TYPE } from '../../src/oauth/client_authentication.ts'
import { ISSUER, type TestClient, type TestServer } from './server.ts'

/** A header parameter that no implementation knows. */
export const EXTENSION = 'https://extension.example/'

/** A key pair of a client. */
export interface ClientKey {
  alg: string
  privateKey: CryptoKey
  /** The public key with its `kid`. */
  jwk: { kty: string; [member: string]: unknown }
}

export async function newKey(
  alg: AssertionAlgorithm = 'ES256',
  kid = crypto.randomUUID(),
): Promise<ClientKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kty: await typeOf(publicKey), kid } }
}

async function typeOf(key: CryptoKey): Promise<string> {
  return String((await exportJWK(key)).kty)
}

/** The claims of an assertion and its header, instead of the usual ones. An undefined member is absent. */
export interface AssertionChanges {
  claims?: Record<string, unknown>
  header?: Record<string, unknown>
}

/** An assertion of a client, changed as asked. */
export function signAssertion(
  id: string,
  key: ClientKey,
  now: number,
  { claims = {}, header = {} }: AssertionChanges = {},
): Promise<string> {
  const usual = { iss: id, sub: id, aud: ISSUER, jti: crypto.randomUUID(), iat: now, exp: now + 60 }
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ kid: String(key.jwk.kid), ...header, alg: key.alg })
    .sign(key.privateKey, { crit: { [EXTENSION]: true } })
}

/** The body parameters of an assertion. */
export function asserted(assertion: string): Record<string, string> {
  return { client_assertion_type: JWT_ASSERTION_TYPE, client_assertion: assertion }
}

/** A client with keys, which signs an assertion for each request. */
export class KeyClient {
  readonly #server: TestServer
  readonly client: TestClient
  readonly key: ClientKey

  constructor(server: TestServer, client: TestClient, key: ClientKey) {
    this.#server = server
    this.client = client
    this.key = key
  }

  /** Adds a client with an inline key. */
  static async add(
    server: TestServer,
    changes: Parameters<TestServer['addClient']>[0] = {},
    key?: ClientKey,
  ): Promise<KeyClient> {
    const own = key ?? (await newKey())
    const client = await server.addClient({ jwks: { keys: [own.jwk] }, ...changes })
    return new KeyClient(server, client, own)
  }

  get id(): string {
    return this.client.id
  }

  /** The name of the key in a proof. */
  get keyName(): string {
    return nameOfKey(this.key.jwk)
  }

  sign(changes: AssertionChanges = {}): Promise<string> {
    return signAssertion(this.id, this.key, this.#server.clock.time, changes)
  }

  /** Sends a request with a new assertion. */
  async post(parameters: object, path = '/oauth2-token', changes: AssertionChanges = {}): Promise<Response> {
    return this.#server.postJson({ ...parameters, ...asserted(await this.sign(changes)) }, {}, path)
  }
}

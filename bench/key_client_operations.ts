import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { ClientAdminStore } from '../src/clients/client_admin_store.ts'
import { fromDraft } from '../src/clients/client_values.ts'
import { systemClock } from '../src/lib/clock.ts'
import { JWT_ASSERTION_TYPE } from '../src/oauth/client_authentication.ts'
import type { Env } from '../src/services/environment.ts'
import { get, post, require200 } from './exchange.ts'
import { type Operation, TOKEN_PATH } from './operations.ts'

const CLIENT_ID = 'key-client'
const ALGORITHM = 'ES256'

/** The longest lifetime of an assertion, which is more than a comparison takes. */
const ASSERTION_SECONDS = 300

const keyPair = generateKeyPair(ALGORITHM)

/** Adds a client with a key, otherwise as the demo client. */
export async function prepareKeyClient({ DB }: Env): Promise<void> {
  const { kty = '', ...members } = await exportJWK((await keyPair).publicKey)
  const client = fromDraft({
    client_id: CLIENT_ID,
    api: 'storefront',
    grants: ['password'],
    scopes: ['cart', 'orders', 'catalog'],
    jwks: { keys: [{ kty, ...members }] },
  })
  await new ClientAdminStore(DB).add(client, { secret: null, now: systemClock.now() }, [])
}

/** A guest's tokens for a client with a key. The grant does not store the `jti`, so each caller repeats one assertion. */
export const GUEST_BY_KEY: Operation = {
  name: 'guest token by private_key_jwt',
  async open(send) {
    const { issuer } = JSON.parse(await require200(send, get('/.well-known/oauth-authorization-server')))
    const now = systemClock.now()
    const claims = { iss: CLIENT_ID, sub: CLIENT_ID, aud: issuer, exp: now + ASSERTION_SECONDS }
    const assertion = await new SignJWT(claims)
      .setProtectedHeader({ alg: ALGORITHM })
      .sign((await keyPair).privateKey)
    const request = post(TOKEN_PATH, {
      grant_type: 'password',
      client_assertion_type: JWT_ASSERTION_TYPE,
      client_assertion: assertion,
      username: 'guest',
      password: 'guest',
    })
    return { next: () => request, accept() {} }
  },
}

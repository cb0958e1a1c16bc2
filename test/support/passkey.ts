import { randomId } from '../../src/lib/bytes.ts'
import { generateToken } from '../../src/onetime/one_time_value.ts'
import type { Passkey } from '../../src/passkeys/passkey.ts'
import type { TestServer } from './server.ts'

/** Stores a passkey of a user, without a ceremony. Its key signs nothing. */
export async function addPasskey(
  server: TestServer,
  { id: subject, pool }: { id: string; pool: string },
  name: string,
): Promise<Passkey> {
  const { oneTime, passkeyStore } = server.services
  const { time: now } = server.clock
  const passkey: Passkey = {
    ...{ id: randomId(16), credentialId: randomId(32), subject, pool, rpId: 'shop.test', name },
    publicKey: { alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' } },
    ...{ signCount: 0, transports: [], isBackupEligible: false, isBackedUp: false },
    ...{ createdAt: now, lastUsedAt: null },
  }
  const challenge = { kind: 'passkey_challenge', token: generateToken() } as const
  const { statement } = await oneTime.spending(challenge, now + 60, now)
  if (!(await passkeyStore.add(passkey, statement, []))) throw new Error('the passkey was not stored')
  return passkey
}

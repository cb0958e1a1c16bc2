import fc from 'fast-check'
import { base64url } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseAuthenticatorData } from '../../src/passkeys/authenticator_data.ts'
import { decodeCborMap } from '../../src/passkeys/cbor.ts'
import { creationOptions, requestOptions } from '../../src/passkeys/ceremony_options.ts'
import { PasskeyRefused } from '../../src/passkeys/passkey_refused.ts'
import { PASSKEY_ALGORITHMS, type PasskeyAlgorithm } from '../../src/passkeys/public_key.ts'
import {
  type AuthenticationResponse,
  parseAuthentication,
  parseRegistration,
  type RegistrationResponse,
} from '../../src/passkeys/response_json.ts'
import {
  type ExpectedCeremony,
  type KnownPasskey,
  verifyAuthentication,
  verifyRegistration,
} from '../../src/passkeys/verify_response.ts'
import { FUZZ_TIMEOUT_MS, fuzz, fuzzRuns } from '../support/fuzz_run.ts'
import { SoftwareAuthenticator } from '../support/software_authenticator.ts'

const ORIGIN = 'https://id.shop.test'
const CHALLENGE = base64url.encode(new Uint8Array(32))
const EXPECTED: ExpectedCeremony = {
  challenge: CHALLENGE,
  origins: [ORIGIN],
  rpId: 'shop.test',
  requiresUserVerification: true,
}
const SETTINGS = { rpId: 'shop.test', origins: [], userVerification: 'required', required: false } as const
const ACCOUNT = {
  subject: 'user:ann',
  pool: 'customers',
  username: 'ann',
  displayName: 'Ann',
  service: 'Shop',
}

/** Valid responses of one algorithm. */
interface Valid {
  registration: RegistrationResponse
  authentication: AuthenticationResponse
  known: KnownPasskey
}

const valid = new Map<PasskeyAlgorithm, Valid>()

beforeAll(async () => {
  for (const alg of PASSKEY_ALGORITHMS) {
    const authenticator = await SoftwareAuthenticator.make(alg, ORIGIN)
    const creation = creationOptions(ACCOUNT, CHALLENGE, { ...SETTINGS, origins: [], existing: [] })
    const request = requestOptions(CHALLENGE, { ...SETTINGS, origins: [], allowed: [] })
    const registration = parseRegistration(await authenticator.create(creation))
    const authentication = parseAuthentication(await authenticator.get(request))
    const { publicKey } = await verifyRegistration(registration, EXPECTED)
    valid.set(alg, {
      registration,
      authentication,
      known: { publicKey, signCount: 0, isBackupEligible: false },
    })
  }
})

function validOf(alg: PasskeyAlgorithm): Valid {
  const found = valid.get(alg)
  if (!found) throw new Error(alg)
  return found
}

/** Whether the work succeeds. Every error other than a refusal fails the test. */
async function succeeds(work: () => unknown): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof PasskeyRefused) return false
    throw error
  }
}

const algorithm = fc.constantFrom(...PASSKEY_ALGORITHMS)
/** A change of bytes: a replaced byte, a cut, or more bytes. */
const change = fc.oneof(
  fc.record({ at: fc.nat(2000), xor: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ cut: fc.integer({ min: 1, max: 400 }) }),
  fc.record({ more: fc.uint8Array({ minLength: 1, maxLength: 40 }) }),
)

function changed(
  bytes: Uint8Array,
  how: { at?: number; xor?: number; cut?: number; more?: Uint8Array },
): Uint8Array {
  if (how.more) return Uint8Array.from([...bytes, ...how.more])
  if (how.cut !== undefined) return bytes.slice(0, -Math.min(how.cut, bytes.length))
  const copy = bytes.slice()
  const at = (how.at ?? 0) % copy.length
  copy[at] = (copy[at] ?? 0) ^ (how.xor ?? 0)
  return copy
}

describe('responses of authenticators', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it('a sign-in with any changed byte is refused', () =>
    fuzz(
      fc.tuple(algorithm, fc.constantFrom('clientDataJson', 'authenticatorData', 'signature'), change),
      fuzzRuns(600),
      async ([alg, member, how]) => {
        const { authentication, known } = validOf(alg)
        const response = { ...authentication, [member]: changed(authentication[member], how) }
        expect(await succeeds(() => verifyAuthentication(response, known, EXPECTED))).toBe(false)
      },
    ))

  it('a changed registration is verified or refused, and causes no other error', () =>
    fuzz(
      fc.tuple(algorithm, fc.constantFrom('clientDataJson', 'attestationObject'), change),
      fuzzRuns(600),
      async ([alg, member, how]) => {
        const { registration } = validOf(alg)
        const response = { ...registration, [member]: changed(registration[member], how) }
        await succeeds(() => verifyRegistration(response, EXPECTED))
      },
    ))

  it('random bytes and texts are refused, and cause no other error', () =>
    fuzz(
      fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.string(), fc.json()),
      fuzzRuns(600),
      async ([bytes, text, json]) => {
        const { authentication, known } = validOf('ES256')
        const checks = [
          () => parseAuthenticatorData(bytes),
          () => verifyRegistration({ ...validOf('ES256').registration, attestationObject: bytes }, EXPECTED),
          () => verifyAuthentication({ ...authentication, clientDataJson: bytes }, known, EXPECTED),
          ...[text, json].flatMap((input) => [
            () => parseRegistration(input),
            () => parseAuthentication(input),
          ]),
        ]
        const results = await Promise.all(checks.map(succeeds))
        expect(results.slice(1)).toEqual(results.slice(1).map(() => false))
      },
    ))

  it.each([
    ['arrays in arrays', () => new Uint8Array(9000).fill(0x81)],
    ['maps in maps', () => new Uint8Array(9000).fill(0xa1)],
    ['tags in tags', () => new Uint8Array(9000).fill(0xc1)],
    ['an array of 2^53 items', () => Uint8Array.from([0x9b, 0, 0x20, 0, 0, 0, 0, 0, 0])],
    [
      'a byte string that is longer than the rest',
      () => Uint8Array.from([0xa1, 0x01, 0x5a, 0x00, 0xff, 0xff, 0xff]),
    ],
    ['a map with a repeated key', () => Uint8Array.from([0xa2, 0x01, 0x02, 0x01, 0x02])],
    ['no bytes', () => new Uint8Array()],
  ])('CBOR with %s is refused', async (_what, bytes) => {
    expect(await succeeds(() => decodeCborMap(bytes(), 'the input'))).toBe(false)
  })

  it('a part of a buffer is not read past its end', async () => {
    const whole = Uint8Array.from([0xa1, 0x01, 0x44, 1, 2, 3, 4])
    expect(await succeeds(() => decodeCborMap(whole.subarray(0, 5), 'the input'))).toBe(false)
    expect(decodeCborMap(whole, 'the input').map.get(1)).toEqual(Uint8Array.from([1, 2, 3, 4]))
  })
})

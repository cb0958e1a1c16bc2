import { encodeCBOR } from '@levischuck/tiny-cbor'
import {
  type AuthenticationResponseJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server'
import { base64url } from 'jose'
import { describe, expect, it } from 'vitest'
import type { PasskeySettings } from '../../src/config/accounts_schema.ts'
import { creationOptions, requestOptions } from '../../src/passkeys/ceremony_options.ts'
import { PasskeyRefused } from '../../src/passkeys/passkey_refused.ts'
import { COSE_ALGORITHMS, PASSKEY_ALGORITHMS, type PasskeyAlgorithm } from '../../src/passkeys/public_key.ts'
import { parseAuthentication, parseRegistration } from '../../src/passkeys/response_json.ts'
import {
  type ExpectedCeremony,
  verifyAuthentication,
  verifyRegistration,
} from '../../src/passkeys/verify_response.ts'
import { type CeremonyChanges, FLAG, SoftwareAuthenticator } from '../support/software_authenticator.ts'

// simplewebauthn is an implementation of WebAuthn of another project. Both judge the responses of the same authenticator.

const ORIGIN = 'https://id.shop.test'
const RP_ID = 'shop.test'
const CHALLENGE = base64url.encode(crypto.getRandomValues(new Uint8Array(32)))
const EXPECTED: ExpectedCeremony = {
  challenge: CHALLENGE,
  origins: [ORIGIN, 'https://www.shop.test'],
  rpId: RP_ID,
  requiresUserVerification: true,
}
const SETTINGS: PasskeySettings = { rpId: RP_ID, origins: [], userVerification: 'required', required: false }
const ACCOUNT = {
  subject: 'user:ann',
  pool: 'customers',
  username: 'ann',
  displayName: 'Ann',
  service: 'Shop',
}
const CREATION = creationOptions(ACCOUNT, CHALLENGE, { ...SETTINGS, existing: [] })
const REQUEST = requestOptions(CHALLENGE, { ...SETTINGS, allowed: [] })

type Judgement = 'accepted' | 'refused'

/** A response, and the judgements. The other project's is the same unless the case names it. */
interface Case {
  title: string
  changes?: CeremonyChanges
  own: Judgement
  other?: Judgement
  /** Without user verification. */
  isPreferred?: boolean
  /** The algorithms that the case is for. */
  algs?: PasskeyAlgorithm[]
}

const { UP, UV, BE, BS, AT } = FLAG
const OTHER_CHALLENGE = base64url.encode(new Uint8Array(32))
const EXTENSIONS = encodeCBOR(new Map([['credProtect', 2]]))

/** The changes that both ceremonies share. `at` is the flag of a new credential. */
const shared = (at: number): Case[] => [
  { title: 'without a change', own: 'accepted' },
  { title: 'of another allowed origin', changes: { origin: 'https://www.shop.test' }, own: 'accepted' },
  { title: 'with a counter', changes: { counter: 7 }, own: 'accepted' },
  { title: 'with extension data', changes: { extensions: EXTENSIONS }, own: 'accepted' },
  {
    title: 'with an unknown member of the client data',
    changes: { clientData: { other: 1 } },
    own: 'accepted',
  },
  {
    title: 'without user verification if it is preferred',
    changes: { flags: UP | at },
    own: 'accepted',
    isPreferred: true,
  },
  { title: 'of another type', changes: { clientData: { type: 'payment.get' } }, own: 'refused' },
  {
    title: 'with another challenge',
    changes: { clientData: { challenge: OTHER_CHALLENGE } },
    own: 'refused',
  },
  {
    title: 'with the padded challenge',
    changes: { clientData: { challenge: `${CHALLENGE}=` } },
    own: 'refused',
  },
  { title: 'of another origin', changes: { origin: 'https://shop.test.evil.test' }, own: 'refused' },
  { title: 'of the origin with another port', changes: { origin: `${ORIGIN}:8443` }, own: 'refused' },
  { title: 'of the origin by http', changes: { origin: 'http://id.shop.test' }, own: 'refused' },
  // The pages are never in a frame, so this server refuses it. The library leaves the decision to its user.
  {
    title: 'in a frame of another origin',
    changes: { clientData: { crossOrigin: true } },
    own: 'refused',
    other: 'accepted',
  },
  {
    title: 'with a top origin',
    changes: { clientData: { topOrigin: ORIGIN } },
    own: 'refused',
    other: at === 0 ? 'refused' : 'accepted',
  },
  { title: 'of another relying party', changes: { rpId: 'evil.test' }, own: 'refused' },
  { title: 'of a subdomain as relying party', changes: { rpId: 'id.shop.test' }, own: 'refused' },
  { title: 'without user presence', changes: { flags: UV | at }, own: 'refused' },
  { title: 'without user verification', changes: { flags: UP | at }, own: 'refused' },
  { title: 'that is backed up but not eligible', changes: { flags: UP | UV | BS | at }, own: 'refused' },
  {
    title: 'with more bytes after the authenticator data',
    changes: { trailing: new Uint8Array(3) },
    own: 'refused',
  },
]

const REGISTRATIONS: Case[] = [
  ...shared(AT),
  { title: 'that is eligible for a backup', changes: { flags: UP | UV | BE | AT }, own: 'accepted' },
  { title: 'that is backed up', changes: { flags: UP | UV | BE | BS | AT }, own: 'accepted' },
  { title: 'with a self attestation', changes: { attestation: 'self' }, own: 'accepted' },
  { title: 'of the type of a sign-in', changes: { clientData: { type: 'webauthn.get' } }, own: 'refused' },
  { title: 'without a credential', changes: { flags: UP | UV }, own: 'refused' },
  {
    title: 'with a statement of the format none',
    changes: { attestation: { fmt: 'none', attStmt: new Map([['sig', new Uint8Array(8)]]) } },
    own: 'refused',
  },
  {
    title: 'with a wrong self attestation',
    changes: {
      attestation: {
        fmt: 'packed',
        attStmt: new Map<string, number | Uint8Array>([
          ['alg', -7],
          ['sig', new Uint8Array(70)],
        ]),
      },
    },
    own: 'refused',
  },
  {
    title: 'of an unknown attestation format',
    changes: { attestation: { fmt: 'tpm9', attStmt: new Map() } },
    own: 'refused',
  },
  { title: 'with an unknown algorithm', changes: { coseKey: [[3, -65_535]] }, own: 'refused' },
  // The library reads the point only at the first sign-in.
  {
    title: 'with a short coordinate',
    changes: { coseKey: [[-2, new Uint8Array(31)]] },
    algs: ['ES256', 'EdDSA'],
    own: 'refused',
    other: 'accepted',
  },
  {
    title: 'with the credential id of another',
    changes: { id: base64url.encode(new Uint8Array(24)) },
    own: 'refused',
    other: 'accepted',
  },
]

const AUTHENTICATIONS: Case[] = [
  ...shared(0),
  { title: 'without a user handle', changes: { userHandle: null }, own: 'accepted' },
  {
    title: 'of the type of a registration',
    changes: { clientData: { type: 'webauthn.create' } },
    own: 'refused',
  },
  { title: 'with a changed signature', changes: { breaksSignature: true }, own: 'refused' },
  // The library does not know the earlier flag.
  {
    title: 'that became eligible for a backup',
    changes: { flags: UP | UV | BE },
    own: 'refused',
    other: 'accepted',
  },
]

async function judge(verify: () => Promise<unknown>): Promise<Judgement> {
  try {
    return (await verify()) === false ? 'refused' : 'accepted'
  } catch (error) {
    if (error instanceof PasskeyRefused || error instanceof Error) return 'refused'
    throw error
  }
}

/** The judgement of this server. Every error other than a refusal fails the test. */
async function judgeOwn(verify: () => Promise<unknown>): Promise<Judgement> {
  try {
    await verify()
    return 'accepted'
  } catch (error) {
    if (error instanceof PasskeyRefused) return 'refused'
    throw error
  }
}

function judgeRegistration(response: string, { isPreferred = false }: Case): Promise<[Judgement, Judgement]> {
  const expected = { ...EXPECTED, requiresUserVerification: !isPreferred }
  return Promise.all([
    judgeOwn(async () => verifyRegistration(parseRegistration(response), expected)),
    judge(async () => {
      const { verified } = await verifyRegistrationResponse({
        response: JSON.parse(response) as RegistrationResponseJSON,
        expectedChallenge: CHALLENGE,
        expectedOrigin: [...EXPECTED.origins],
        expectedRPID: RP_ID,
        requireUserVerification: !isPreferred,
        supportedAlgorithmIDs: Object.values(COSE_ALGORITHMS),
      })
      return verified
    }),
  ])
}

async function judgeAuthentication(
  authenticator: SoftwareAuthenticator,
  response: string,
  { isPreferred = false }: Case,
): Promise<[Judgement, Judgement]> {
  const expected = { ...EXPECTED, requiresUserVerification: !isPreferred }
  const { publicKey } = await verifyRegistration(
    parseRegistration(await authenticator.create(CREATION)),
    EXPECTED,
  )
  const known = { publicKey, signCount: 0, isBackupEligible: false }
  return Promise.all([
    judgeOwn(async () => verifyAuthentication(parseAuthentication(response), known, expected)),
    judge(async () => {
      const { verified } = await verifyAuthenticationResponse({
        response: JSON.parse(response) as AuthenticationResponseJSON,
        expectedChallenge: CHALLENGE,
        expectedOrigin: [...EXPECTED.origins],
        expectedRPID: RP_ID,
        requireUserVerification: !isPreferred,
        credential: {
          id: base64url.encode(authenticator.credentialId),
          publicKey: Uint8Array.from(encodeCBOR(await authenticator.coseKey())),
          counter: 0,
        },
      })
      return verified
    }),
  ])
}

describe.each(PASSKEY_ALGORITHMS)('a passkey of the algorithm %s', (alg) => {
  const isOf = ({ algs }: Case) => algs?.includes(alg) ?? true

  it('simplewebauthn judges each registration as this server does, except the documented cases', async () => {
    const authenticator = await SoftwareAuthenticator.make(alg, ORIGIN)
    const judged: unknown[] = []
    for (const one of REGISTRATIONS.filter(isOf)) {
      const response = await authenticator.create(CREATION, one.changes)
      judged.push([one.title, ...(await judgeRegistration(response, one))])
    }
    expect(judged).toEqual(
      REGISTRATIONS.filter(isOf).map(({ title, own, other = own }) => [title, own, other]),
    )
  })

  it('simplewebauthn judges each sign-in as this server does, except the documented cases', async () => {
    const authenticator = await SoftwareAuthenticator.make(alg, ORIGIN)
    const judged: unknown[] = []
    for (const one of AUTHENTICATIONS) {
      const response = await authenticator.get(REQUEST, one.changes)
      judged.push([one.title, ...(await judgeAuthentication(authenticator, response, one))])
    }
    expect(judged).toEqual(AUTHENTICATIONS.map(({ title, own, other = own }) => [title, own, other]))
  })
})

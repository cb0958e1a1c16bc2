import { type CBORType, encodeCBOR } from '@levischuck/tiny-cbor'
import { base64url } from 'jose'
import { encodeUtf8 } from '../../src/lib/bytes.ts'
import type { CreationOptionsJson, RequestOptionsJson } from '../../src/passkeys/ceremony_options.ts'
import { COSE_ALGORITHMS, type PasskeyAlgorithm } from '../../src/passkeys/public_key.ts'

/** The bits of the flags byte (WebAuthn Level 3 §6.1). */
export const FLAG = { UP: 0x01, UV: 0x04, BE: 0x08, BS: 0x10, AT: 0x40, ED: 0x80 }

/** The facts of one ceremony that a test can change. */
export interface CeremonyChanges {
  origin?: string
  /** Members of the client data to add or replace. */
  clientData?: Record<string, unknown>
  rpId?: string
  flags?: number
  counter?: number
  /** Bytes after the authenticator data. */
  trailing?: Uint8Array
  /** Whether the signature is changed. */
  breaksSignature?: boolean
  userHandle?: string | null
  /** The id in the response, if it differs from that of the credential. */
  id?: string
  /** The attestation statement, by its format. */
  attestation?: { fmt: string; attStmt: Map<string, CBORType> } | 'self'
  /** Parameters of the COSE key to replace. */
  coseKey?: [number, CBORType][]
  /** Extension data of the authenticator. */
  extensions?: Uint8Array
}

const WEB_CRYPTO = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  },
} as const

/** An authenticator in software with one credential, as a browser serializes it. */
export class SoftwareAuthenticator {
  readonly alg: PasskeyAlgorithm
  readonly credentialId = crypto.getRandomValues(new Uint8Array(24))
  /** The signature counter; it grows by one in each authentication unless it is 0. */
  counter = 0
  userHandle: string | null = null
  readonly #keys: CryptoKeyPair
  readonly #origin: string

  private constructor(alg: PasskeyAlgorithm, keys: CryptoKeyPair, origin: string) {
    this.alg = alg
    this.#keys = keys
    this.#origin = origin
  }

  static async make(alg: PasskeyAlgorithm, origin: string): Promise<SoftwareAuthenticator> {
    const keys = await crypto.subtle.generateKey(WEB_CRYPTO[alg], true, ['sign', 'verify'])
    return new SoftwareAuthenticator(alg, keys as CryptoKeyPair, origin)
  }

  /** The JSON of `navigator.credentials.create`. */
  async create(options: CreationOptionsJson, changes: CeremonyChanges = {}): Promise<string> {
    this.userHandle = options.user.id
    const clientData = this.#clientData('webauthn.create', options.challenge, changes)
    const flags = changes.flags ?? FLAG.UP | FLAG.UV | FLAG.AT
    const attested = (flags & FLAG.AT) === 0 ? [] : [await this.#attested(changes)]
    const authData = await this.#authData(
      { ...changes, rpId: changes.rpId ?? options.rp.id, flags },
      attested,
    )
    const attestation = await this.#attest(changes.attestation, authData, clientData)
    const object = new Map<string, CBORType>([
      ['fmt', attestation.fmt],
      ['attStmt', attestation.attStmt],
      ['authData', authData],
    ])
    return this.#respond(changes, {
      clientDataJSON: base64url.encode(clientData),
      attestationObject: base64url.encode(encodeCBOR(object)),
      transports: ['internal', 'hybrid', 'unknown'],
    })
  }

  /** The JSON of `navigator.credentials.get`. */
  async get(options: RequestOptionsJson, changes: CeremonyChanges = {}): Promise<string> {
    if (this.counter > 0) this.counter++
    const clientData = this.#clientData('webauthn.get', options.challenge, changes)
    const flags = changes.flags ?? FLAG.UP | FLAG.UV
    const authData = await this.#authData({ ...changes, rpId: changes.rpId ?? options.rpId, flags }, [])
    const signature = await this.#sign(await signedBytes(authData, clientData))
    if (changes.breaksSignature) signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1
    const userHandle = changes.userHandle === undefined ? this.userHandle : changes.userHandle
    return this.#respond(changes, {
      clientDataJSON: base64url.encode(clientData),
      authenticatorData: base64url.encode(authData),
      signature: base64url.encode(signature),
      ...(userHandle === null ? {} : { userHandle }),
    })
  }

  /** The public key as a COSE_Key. */
  async coseKey(): Promise<Map<number, CBORType>> {
    const jwk = (await crypto.subtle.exportKey('jwk', this.#keys.publicKey)) as JsonWebKey
    const bytes = (text: string | undefined) => base64url.decode(text ?? '')
    const alg: [number, CBORType] = [3, COSE_ALGORITHMS[this.alg]]
    switch (this.alg) {
      case 'ES256':
        return new Map<number, CBORType>([[1, 2], alg, [-1, 1], [-2, bytes(jwk.x)], [-3, bytes(jwk.y)]])
      case 'EdDSA':
        return new Map<number, CBORType>([[1, 1], alg, [-1, 6], [-2, bytes(jwk.x)]])
      case 'RS256':
        return new Map<number, CBORType>([[1, 3], alg, [-1, bytes(jwk.n)], [-2, bytes(jwk.e)]])
    }
  }

  #clientData(
    type: string,
    challenge: string,
    { origin = this.#origin, clientData }: CeremonyChanges,
  ): Uint8Array {
    return encodeUtf8(JSON.stringify({ type, challenge, origin, crossOrigin: false, ...clientData }))
  }

  async #authData(
    { rpId = '', flags = 0, counter = this.counter, extensions, trailing }: CeremonyChanges,
    attested: Uint8Array[],
  ): Promise<Uint8Array> {
    const header = new Uint8Array(37)
    header.set(new Uint8Array(await crypto.subtle.digest('SHA-256', encodeUtf8(rpId))))
    header[32] = extensions ? flags | FLAG.ED : flags
    new DataView(header.buffer).setUint32(33, counter)
    return concat(header, ...attested, extensions ?? new Uint8Array(), trailing ?? new Uint8Array())
  }

  async #attested({ coseKey = [] }: CeremonyChanges): Promise<Uint8Array> {
    const idLength = new Uint8Array([this.credentialId.length >> 8, this.credentialId.length & 0xff])
    const key = new Map([...(await this.coseKey()), ...coseKey])
    return concat(new Uint8Array(16), idLength, this.credentialId, encodeCBOR(key))
  }

  async #attest(attestation: CeremonyChanges['attestation'], authData: Uint8Array, clientData: Uint8Array) {
    if (attestation === undefined) return { fmt: 'none', attStmt: new Map<string, CBORType>() }
    if (attestation !== 'self') return attestation
    const sig = await this.#sign(await signedBytes(authData, clientData))
    return {
      fmt: 'packed',
      attStmt: new Map<string, CBORType>([
        ['alg', COSE_ALGORITHMS[this.alg]],
        ['sig', sig],
      ]),
    }
  }

  async #sign(data: Uint8Array): Promise<Uint8Array> {
    const raw = new Uint8Array(await crypto.subtle.sign(WEB_CRYPTO[this.alg], this.#keys.privateKey, data))
    return this.alg === 'ES256' ? derOf(raw) : raw
  }

  #respond(
    { id = base64url.encode(this.credentialId) }: CeremonyChanges,
    response: Record<string, unknown>,
  ): string {
    return JSON.stringify({ id, rawId: id, type: 'public-key', response, clientExtensionResults: {} })
  }
}

async function signedBytes(authData: Uint8Array, clientData: Uint8Array): Promise<Uint8Array> {
  return concat(authData, new Uint8Array(await crypto.subtle.digest('SHA-256', clientData)))
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

/** An ECDSA signature in DER, as authenticators write it. */
function derOf(raw: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array) => {
    const start = bytes.findIndex((byte) => byte !== 0)
    const digits = bytes.subarray(start)
    const padded = (digits[0] ?? 0) >= 0x80 ? concat(new Uint8Array(1), digits) : digits
    return concat(new Uint8Array([0x02, padded.length]), padded)
  }
  const content = concat(integer(raw.subarray(0, 32)), integer(raw.subarray(32)))
  return concat(new Uint8Array([0x30, content.length]), content)
}

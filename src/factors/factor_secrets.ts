import { base64url } from 'jose'
import * as z from 'zod/mini'
import { randomId } from '../lib/bytes.ts'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import type { Sealer } from '../lib/sealer.ts'
import type { TotpSecret } from './totp.ts'

/** The secret of an app before its first code. The form of the page keeps it sealed. Times are Unix seconds. */
export interface Enrolment {
  subject: string
  secret: TotpSecret
  expiresAt: number
}

/** A sealed secret for the store. */
export interface SealedSecret {
  id: string
  sealedSecret: string
  /** The name of the key of the seal. */
  sealedBy: string
}

/** The seal names its row, so that the secret of one user does not open in the row of another. */
const secretSchema = z.object({ id: z.string(), subject: z.string(), secret: z.string() })
const enrolmentSchema = z.object({ enrols: z.string(), secret: z.string(), expiresAt: z.int() })

/** Encrypts the secrets of authenticator apps. */
export class FactorSecrets {
  readonly #sealer: Sealer
  readonly #keyName: KeyedHash

  /** @param keyName Under the first sealing key: the name of this key in the store. */
  constructor(sealer: Sealer, keyName: KeyedHash) {
    this.#sealer = sealer
    this.#keyName = keyName
  }

  /** The name of the key that seals. It changes with the first sealing key. */
  keyName(): Promise<string> {
    return this.#keyName.name('key')
  }

  async seal(subject: string, secret: TotpSecret): Promise<SealedSecret> {
    const id = randomId(16)
    const value = { id, subject, secret: base64url.encode(secret) }
    return { id, sealedSecret: await this.#sealer.sealValue(value), sealedBy: await this.keyName() }
  }

  /** Opens a stored secret; null if no key opens it, or if it belongs to another row. */
  async open(
    { id, sealedSecret }: Pick<SealedSecret, 'id' | 'sealedSecret'>,
    subject: string,
  ): Promise<TotpSecret | null> {
    const opened = await this.#sealer.openValue(sealedSecret, secretSchema)
    if (opened === null || opened.id !== id || opened.subject !== subject) return null
    return base64url.decode(opened.secret)
  }

  /** Seals a stored secret with the first key; null if no key opens it. */
  async reseal(sealedSecret: string): Promise<string | null> {
    const opened = await this.#sealer.openValue(sealedSecret, secretSchema)
    return opened === null ? null : this.#sealer.sealValue(opened)
  }

  sealEnrolment({ subject, secret, expiresAt }: Enrolment): Promise<string> {
    return this.#sealer.sealValue({ enrols: subject, secret: base64url.encode(secret), expiresAt })
  }

  /** Opens the enrolment of a user; null for the one of another user, an expired one and another text. */
  async openEnrolment(sealed: string, subject: string, now: number): Promise<TotpSecret | null> {
    const opened = await this.#sealer.openValue(sealed, enrolmentSchema)
    if (opened === null || opened.enrols !== subject || opened.expiresAt <= now) return null
    return base64url.decode(opened.secret)
  }
}

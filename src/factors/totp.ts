import { encodeBase32 } from '../lib/base32.ts'
import { encodeUtf8, equalInConstantTime } from '../lib/bytes.ts'

/** The time step X of RFC 6238 §4.1. */
const STEP_SECONDS = 30

const DIGITS = 6

/** The accepted difference between the clocks of the device and of the server, in steps (RFC 6238 §5.2). */
const DRIFT_STEPS = 1

/** RFC 4226 §4 recommends 160 bits, the length of the digest. */
const SECRET_BYTES = 20

/** The secret of an authenticator app. */
export type TotpSecret = Uint8Array

export function generateTotpSecret(): TotpSecret {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
}

/** The number of the time step (RFC 6238 §4.2). @param now Unix seconds. */
export function totpStepOf(now: number): number {
  return Math.floor(now / STEP_SECONDS)
}

/** The six digits of a time step (RFC 6238 §4.2, RFC 4226 §5.3). */
export async function totpCodeOf(secret: TotpSecret, step: number): Promise<string> {
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-1' }, false, ['sign'])
  const counter = new DataView(new ArrayBuffer(8))
  counter.setBigUint64(0, BigInt(step))
  const digest = new DataView(await crypto.subtle.sign('HMAC', key, counter.buffer))
  const offset = digest.getUint8(digest.byteLength - 1) & 0xf
  const truncated = digest.getUint32(offset) & 0x7f_ff_ff_ff
  return String(truncated % 10 ** DIGITS).padStart(DIGITS, '0')
}

/**
 * Finds the time step of a code among the current step and its neighbours. It computes every step, so its time does not depend on
 * the code.
 *
 * @param now Unix seconds.
 * @returns the earliest step with this code; null if no step has it
 */
export async function findTotpStep(secret: TotpSecret, code: string, now: number): Promise<number | null> {
  const current = totpStepOf(now)
  const steps = Array.from({ length: 2 * DRIFT_STEPS + 1 }, (_, i) => current - DRIFT_STEPS + i)
  const given = encodeUtf8(code)
  const matches = await Promise.all(
    steps.map(async (step) => equalInConstantTime(encodeUtf8(await totpCodeOf(secret, step)), given)),
  )
  return steps.find((_, i) => matches[i]) ?? null
}

/** Removes the spaces that a user typed between the digits; null if the text is not a code. */
export function parseTotpCode(text: string): string | null {
  const code = text.replace(/\s/g, '')
  return /^\d{6}$/.test(code) ? code : null
}

interface TotpAccount {
  /** The name of the service in the app. */
  issuer: string
  /** The name of the account in the app. */
  account: string
  secret: TotpSecret
}

/**
 * The address that an authenticator app reads from a QR code (Key URI Format of Google Authenticator). It names the default values
 * too, because some apps need them.
 */
export function totpUri({ issuer, account, secret }: TotpAccount): string {
  const label = [issuer.replaceAll(':', ' '), account].map(encodeURIComponent).join(':')
  const parameters = [
    `secret=${encodeBase32(secret)}`,
    `issuer=${encodeURIComponent(issuer.replaceAll(':', ' '))}`,
    'algorithm=SHA1',
    `digits=${DIGITS}`,
    `period=${STEP_SECONDS}`,
  ]
  return `otpauth://totp/${label}?${parameters.join('&')}`
}

import { TWO_FACTORS } from './authentication_level.ts'
import type { Proof } from './proof.ts'

/** The words for methods (RFC 8176), except `otp`. A passkey is a key of one device (`hwk`) or one that can be copied (`swk`). */
const WORDS: Readonly<Record<string, string>> = { pwd: 'password', hwk: 'passkey', swk: 'passkey' }

/** Whether the user has proven a passkey. */
export function hasProvenPasskey({ amr }: Pick<Proof, 'amr'>): boolean {
  return amr.some((method) => WORDS[method] === 'passkey')
}

/** Describes how a user signed in, for the audit trail: such as "password and second factor". The first factor comes first in `amr`. */
export function describeMethods({ amr, acr }: Pick<Proof, 'amr' | 'acr'>): string {
  const words = amr.flatMap((method, i) =>
    method === 'otp' ? [i === 0 ? 'email code' : 'second factor'] : (WORDS[method] ?? []),
  )
  // A code of an app after a code by mail is the same method.
  const isTwice = amr[0] === 'otp' && words.length === 1 && acr === TWO_FACTORS
  return [...words, ...(isTwice ? ['second factor'] : [])].join(' and ')
}

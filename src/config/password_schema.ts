import * as z from 'zod/mini'
import { check, count, secondsToMs } from './checks.ts'
import { keyWithDefault, mapping, requiredKey, type ValuesOf } from './key.ts'

/** The Argon2id costs that OWASP lists as equally strong: [m in KiB, t], each with p = 1. */
const OWASP_ARGON2ID_COSTS = [
  [47104, 1],
  [19456, 2],
  [12288, 3],
  [9216, 4],
  [7168, 5],
] as const

const COSTS = OWASP_ARGON2ID_COSTS.map(([m, t]) => `m=${m},t=${t}`)

const argon2CostKeys = {
  m: requiredKey('m', {
    check: check(z.int('must be a number of KiB'), {
      bounds: `with \`t\`: ${COSTS.join('; ')}`,
      unit: 'KiB',
    }),
    description: 'The memory of a hash',
  }),
  t: requiredKey('t', {
    check: check(z.int('must be a number of passes'), { bounds: 'see `m`', unit: 'passes' }),
    description: 'The passes over the memory',
  }),
  p: requiredKey('p', {
    check: check(z.int('must be 1'), { bounds: '1', unit: 'lanes' }),
    description: 'The parallel lanes',
  }),
}

/** The cost of an Argon2id hash: `m` in KiB, `t` passes, `p` lanes (RFC 9106 §3.1). */
export type Argon2Cost = ValuesOf<typeof argon2CostKeys>

const queueKeys = {
  length: keyWithDefault('length', {
    check: count(1, 1000, 'hashes'),
    default: 50,
    description: 'How many hashes can wait in one isolate. A sign-in above it gets 503',
  }),
  ms: keyWithDefault('seconds', {
    check: secondsToMs(1, 30),
    default: 3,
    description:
      'The estimated computing time of the hashes that can wait ([password-hashes.md](password-hashes.md#the-queue))',
  }),
}

/** The limits of the queue of password hashes in an isolate: the number of hashes, and their total time in milliseconds. */
export type PasswordQueueLimits = ValuesOf<typeof queueKeys>

export const passwordKeys = {
  passwordHash: keyWithDefault('password_hash', {
    check: mapping(argon2CostKeys, [
      z.refine(
        ({ m, t, p }) => p === 1 && OWASP_ARGON2ID_COSTS.some((row) => row[0] === m && row[1] === t),
        `must be a row of the Argon2id table of OWASP, with p=1: ${COSTS.join(' or ')}`,
      ),
    ]),
    default: { m: 19456, t: 2, p: 1 },
    description: 'The cost of a new Argon2id hash: one of the settings that OWASP recommends',
  }),
  passwordQueue: keyWithDefault('password_queue', {
    check: mapping(queueKeys),
    default: {},
    description: 'The limits of the queue of password hashes',
  }),
  /** In Unicode code points. */
  minimumPasswordLength: keyWithDefault('minimum_password_length', {
    check: count(8, 64, 'characters'),
    default: 8,
    description: 'The minimum length of a new password, counted after NFKC normalisation',
  }),
}

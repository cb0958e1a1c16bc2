import { createHash } from 'node:crypto'
import { decodeBase64, encodeBase64, encodeUtf8 } from '../bytes.ts'
import { HashRefused, type HashScheme, type HashTools, requireHashKey } from './hash_scheme.ts'
import { isTrimmable, toWordPressForm, trimPassword } from './prehash.ts'

/** The length of each digest in hexadecimal. */
const HEX_LENGTHS: Readonly<Record<string, number>> = { md5: 32, sha1: 40, sha256: 64, sha512: 128 }

const FORM = /^\$digest\$([a-z0-9+-]{4,64})\$([A-Za-z0-9+/]{0,340})\$([0-9a-f]{32,128})$/
const STEP = /^(md5|sha1|sha256|sha512)-([pskwt]{1,2})$/
const MS = 0.01

const CHANGES: Readonly<Record<string, (password: Uint8Array) => Uint8Array>> = {
  w: toWordPressForm,
  t: trimPassword,
}

/** `salt` is the text of the salt column; `hex` the digest in hexadecimal, in lower case. */
interface DigestParts {
  /** Such as `md5-sp+sha256-sp` for SHA-256(salt, hex of MD5(salt, password)). */
  steps: string
  salt: Uint8Array
  hex: string
}

/**
 * Salted digests that other systems store: `$digest$<steps>$<salt>$<hex>`. A step is an algorithm and the order of its
 * input: `p` the password, or the result of the step before in hexadecimal; `s` the salt; `k` the key `prestashop`; `w`
 * the password as WordPress changes it; `t` the password without white space around it.
 */
export const digestScheme: HashScheme = {
  name: 'digest',
  isDigest: true,
  owns: (text) => text.startsWith('$digest$'),

  read(text) {
    const [, steps = '', saltText = '', hex = ''] = FORM.exec(text) ?? []
    const salt = decodeBase64(saltText)
    const parsed = steps.split('+').map(parseStep)
    if (!salt || !parsed.every((step) => step !== null) || HEX_LENGTHS[lastOf(steps)] !== hex.length) {
      throw new HashRefused('broken', 'digest: not of the form $digest$steps$salt$hex')
    }
    return {
      scheme: 'digest',
      cost: steps,
      estimatedMs: MS * parsed.length,
      expected: encodeUtf8(hex),
      ...(parsed.some(({ order }) => order.includes('k')) ? { key: 'prestashop' as const } : {}),
      ignoresPartOf: (password) => /[wt]/.test(parsed[0]?.order ?? '') && isTrimmable(password),
      compute: (password, tools) =>
        parsed.reduce((previous, step) => runStep(step, { previous, salt }, tools), password),
    }
  },
}

export function formatDigest({ steps, salt, hex }: DigestParts): string {
  return `$digest$${steps}$${encodeBase64(salt)}$${hex}`
}

interface Step {
  algorithm: string
  order: string
}

function parseStep(text: string): Step | null {
  const [, algorithm, order] = STEP.exec(text) ?? []
  return algorithm === undefined || order === undefined ? null : { algorithm, order }
}

function lastOf(steps: string): string {
  return parseStep(steps.split('+').at(-1) ?? '')?.algorithm ?? ''
}

function runStep(
  { algorithm, order }: Step,
  { previous, salt }: { previous: Uint8Array; salt: Uint8Array },
  { keys }: HashTools,
): Uint8Array {
  const hash = createHash(algorithm)
  for (const input of order) {
    if (input === 's') hash.update(salt)
    else if (input === 'k') hash.update(encodeUtf8(requireHashKey(keys, 'prestashop')))
    else hash.update(CHANGES[input]?.(previous) ?? previous)
  }
  return encodeUtf8(hash.digest('hex'))
}

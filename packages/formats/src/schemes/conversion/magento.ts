import { encodeUtf8 } from '../../bytes.ts'
import { formatArgon2id } from '../argon2id_scheme.ts'
import { formatDigest } from '../digest_scheme.ts'
import { HashRefused } from '../hash_scheme.ts'
import { formatWrapped } from '../read_hash.ts'
import type { ImportScheme } from './conversion.ts'

/** `hash:salt:version`, where a hash that was upgraded has the versions in their order: `hash:salt:0:1`. */
const FORM =
  /^([0-9a-f]{32,128}):([^:$]{0,128}):((?:\d{1,3})(?:_\d{1,12}){0,3}(?::\d{1,3}(?:_\d{1,12}){0,3})*)$/
const AGNOSTIC = /^3_(\d{1,3})_(\d{1,4})_(\d{1,12})$/

const DIGESTS: Readonly<Record<string, string>> = { '0': 'md5-sp', '1': 'sha256-sp' }
const HEX_LENGTHS: Readonly<Record<string, number>> = { 'md5-sp': 32, 'sha256-sp': 64 }

/** SODIUM_CRYPTO_PWHASH_SALTBYTES */
const ARGON2_SALT_BYTES = 16

interface Argon2Version {
  seedBytes: number
  t: number
  memoryBytes: number
}

/** SODIUM_CRYPTO_PWHASH_OPSLIMIT_INTERACTIVE and MEMLIMIT_INTERACTIVE */
const VERSION_2: Argon2Version = { seedBytes: 32, t: 2, memoryBytes: 67_108_864 }

/** `Magento\Framework\Encryption\Encryptor::isValidHash`. */
export const magento2: ImportScheme = {
  name: 'magento2',
  usedBy: 'Magento 2, Adobe Commerce: the column password_hash',
  columns: [],

  convert({ hash: text }) {
    const [, hash = '', salt = '', list = ''] = FORM.exec(text) ?? []
    const versions = list.split(':')
    const argon2 = parseArgon2(versions.at(-1) ?? '')
    const digests = (argon2 === null ? versions : versions.slice(0, -1)).map((version) => DIGESTS[version])
    if (list === '') throw new HashRefused('broken', 'magento2: not of the form hash:salt:version')
    if (!digests.every((step) => step !== undefined)) {
      throw new HashRefused('unsupported', `magento2: the versions ${list} are not supported`)
    }
    return toStored({ hash, salt: encodeUtf8(salt), digests, argon2 })
  },
}

/** Magento 1: `hash:salt` without a version, MD5 (32 characters) or, in Enterprise, SHA-256 (64). */
export const magento1: ImportScheme = {
  name: 'magento1',
  usedBy: 'Magento 1, OpenMage: the attribute password_hash',
  columns: [],

  convert({ hash: text }) {
    const [, hash = '', salt = ''] = /^([0-9a-f]{32}|[0-9a-f]{64})(?::([^:$]{0,128}))?$/.exec(text) ?? []
    if (hash === '') throw new HashRefused('broken', 'magento1: not of the form hash:salt')
    return formatDigest({
      steps: hash.length === 32 ? 'md5-sp' : 'sha256-sp',
      salt: encodeUtf8(salt),
      hex: hash,
    })
  },
}

function parseArgon2(version: string): Argon2Version | null {
  if (version === '2') return VERSION_2
  const [, seed, ops, memory] = AGNOSTIC.exec(version) ?? []
  return seed === undefined ? null : { seedBytes: Number(seed), t: Number(ops), memoryBytes: Number(memory) }
}

interface MagentoParts {
  hash: string
  salt: Uint8Array
  digests: readonly string[]
  argon2: Argon2Version | null
}

/** A digest that Magento wrapped in Argon2id is wrapped here in the same way: the outer hash is of its hexadecimal. */
function toStored({ hash, salt, digests, argon2 }: MagentoParts): string {
  const steps = digests.join('+')
  if (argon2 === null) return formatDigest({ steps, salt, hex: hash })
  if (hash.length !== 2 * argon2.seedBytes) {
    throw new HashRefused(
      'broken',
      `magento2: the hash does not have the ${argon2.seedBytes} bytes of its version`,
    )
  }
  const cost = { m: Math.floor(argon2.memoryBytes / 1024), t: argon2.t, p: 1 }
  const outer = formatArgon2id(cost, toArgon2Salt(salt), Buffer.from(hash, 'hex'))
  if (digests.length === 0) return outer
  const hex = '0'.repeat(HEX_LENGTHS[digests.at(-1) ?? ''] ?? 0)
  return formatWrapped(formatDigest({ steps, salt, hex }), outer)
}

/** The first 16 bytes of the salt; a shorter one is repeated. */
function toArgon2Salt(salt: Uint8Array): Uint8Array {
  if (salt.length === 0) throw new HashRefused('broken', 'magento2: the salt is empty')
  return Uint8Array.from({ length: ARGON2_SALT_BYTES }, (_, i) => salt[i % salt.length] ?? 0)
}

import { scryptSync } from 'node:crypto'
import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { convertHash } from '@sallyport/formats/schemes/conversion/convert_hash'
import { parseHashKeys } from '@sallyport/formats/schemes/hash_keys'
import { isFastHash } from '@sallyport/formats/schemes/read_hash'
import { describe, expect, it } from 'vitest'
import { encodeBase64, encodeUtf8 } from '../../src/lib/bytes.ts'
import { Argon2id } from '../../src/users/argon2.ts'
import { PasswordHasher } from '../../src/users/password_hash.ts'
import { HASH_VECTORS, VECTOR_KEYS } from '../support/hash_vectors.ts'

const hasher = new PasswordHasher(argon2Module, { m: 256, t: 2, p: 1 }, { keys: VECTOR_KEYS })

function verify(password: string, stored: string): Promise<boolean> {
  return hasher.verify([encodeUtf8(password)], stored)
}

describe('a fast hash', () => {
  const accepted = HASH_VECTORS.map(({ scheme, columns }) => convertHash(scheme, columns))
    .filter((conversion) => conversion.isAccepted)
    .map(({ stored }) => stored)

  it('a fast hash is wrapped at import, so that its digest is not stored', async () => {
    const fast = accepted.filter((stored) => isFastHash(stored))
    expect(fast.length).toBeGreaterThan(30)
    for (const text of fast) {
      const stored = await hasher.adopt(hasher.readImported(text))
      const digest = text.split('$').at(-1) ?? ''
      expect(stored).not.toContain(digest)
      expect(stored).toMatch(/\*\d+\$argon2id\$v=19\$m=256,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    }
  })

  it('every hash made of digests and every hash that takes less than 0.8 ms is a fast hash', () => {
    const schemes = accepted.map((text) => text.split('$')[1] ?? '')
    const fast = schemes.filter((_, i) => isFastHash(accepted[i] ?? ''))
    expect([...new Set(fast)].sort()).toEqual([
      'digest',
      'pbkdf2-sha1',
      'pbkdf2-sha512',
      'phpass-md5',
      'phpass-sha512',
      'symfony-sha512',
    ])
    const kept = accepted.filter((text) => /^\$pbkdf2-/.test(text) && !isFastHash(text))
    const iterations = kept.map((text) => Number(/\$(?:i=)?(\d+)/.exec(text)?.[1]))
    expect(Math.min(...iterations)).toBe(10_000)
  })

  it('of bcrypt, scrypt or Argon2id at a very low cost is wrapped too', async () => {
    for (const { password, text } of weakHashes()) {
      expect(isFastHash(text)).toBe(true)
      const stored = await hasher.adopt(hasher.readImported(text))
      expect(await verify(password, stored)).toBe(true)
      expect(await verify(`${password}x`, stored)).toBe(false)
    }
  })

  it('a fast hash stays unchanged if another system has wrapped it', async () => {
    const hash =
      '7c28ce9c8b63380a16947481fa86e130dee507d70080be83f0d51dd49a6f4b2d:kX7sQ2mN9pL4vB1z0aYtRe5UwCdFgH3j:0:2'
    const conversion = convertHash('magento2', { hash })
    const imported = hasher.readImported(conversion.isAccepted ? conversion.stored : '')
    expect(imported.isFast).toBe(false)
    expect(await hasher.adopt(imported)).toBe(imported.stored)
    expect(imported.stored).toMatch(
      /^\$digest\$md5-sp\$[A-Za-z0-9+/]+\$\*32\$argon2id\$v=19\$m=65536,t=2,p=1\$/,
    )
  })
})

/** RFC 7914 §12, and the reference implementation of Argon2 with its smallest memory. */
function weakHashes() {
  const scrypt = scryptSync('password', 'NaCl', 32, { N: 16, r: 8, p: 1 })
  const argon2 = new Argon2id(argon2Module).hash({
    password: encodeUtf8('password'),
    salt: encodeUtf8('somesalt'),
    cost: { m: 64, t: 1, p: 1 },
    hashLength: 32,
  })
  return [
    {
      password: 'password',
      text: `$scrypt$ln=4,r=8,p=1$${encodeBase64(encodeUtf8('NaCl'))}$${encodeBase64(scrypt)}`,
    },
    {
      password: 'password',
      text: `$argon2id$v=19$m=64,t=1,p=1$${encodeBase64(encodeUtf8('somesalt'))}$${encodeBase64(argon2)}`,
    },
  ]
}

describe('a hash that needs a key of the other system', () => {
  const keyed = HASH_VECTORS.filter(({ scheme, columns }) => {
    const isMd5 = /^[0-9a-f]{32}$/.test(columns.hash)
    return scheme === 'devise' || scheme === 'firebase-scrypt' || (scheme === 'prestashop' && isMd5)
  })

  it.each(keyed)(
    'a hash that needs a key of the other system is refused while the Worker secret lacks the key: $scheme',
    ({ scheme, columns }) => {
      const without = new PasswordHasher(argon2Module, { m: 256, t: 2, p: 1 })
      const conversion = convertHash(scheme, columns)
      const stored = conversion.isAccepted ? conversion.stored : ''
      expect(() => without.readImported(stored)).toThrow(
        `${scheme}: the Worker secret HASH_KEYS has no key "${scheme}"`,
      )
    },
  )

  it.each(keyed)(
    'a hash that needs a key of the other system does not contain the key: $scheme',
    async ({ scheme, columns }) => {
      const conversion = convertHash(scheme, columns)
      const stored = conversion.isAccepted ? conversion.stored : ''
      const adopted = await hasher.adopt(hasher.readImported(stored))
      for (const key of Object.values(VECTOR_KEYS)) expect(adopted).not.toContain(key.slice(0, 20))
    },
  )

  it.each(keyed)(
    'a hash that needs a key of the other system matches no password with another key: $scheme',
    async ({ scheme, columns, password }) => {
      const others = { devise: 'other', prestashop: 'other', 'firebase-scrypt': btoa('x'.repeat(64)) }
      const other = new PasswordHasher(argon2Module, { m: 256, t: 2, p: 1 }, { keys: others })
      const conversion = convertHash(scheme, columns)
      const stored = conversion.isAccepted ? conversion.stored : ''
      expect(await other.verify([encodeUtf8(password)], stored)).toBe(false)
    },
  )

  it.each([
    ['absent', undefined, {}],
    ['empty', '', {}],
    ['every key', JSON.stringify(VECTOR_KEYS), VECTOR_KEYS],
    ['not JSON', 'pepper', null],
    ['no object', '["pepper"]', null],
    ['a key that no scheme has', '{"pepper":"x"}', null],
    ['an empty key', '{"devise":""}', null],
    ['a signer key that is not base64', '{"firebase-scrypt":"?"}', null],
  ])(
    'a hash that needs a key of the other system is read from a JSON object with known names: %s',
    (_case, text, keys) => {
      expect(parseHashKeys(text)).toEqual(keys)
    },
  )
})

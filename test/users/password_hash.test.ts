import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { describe, expect, it, vi } from 'vitest'
import { decodeBase64, encodeUtf8 } from '../../src/lib/bytes.ts'
import { CorruptRecord } from '../../src/lib/storage_error.ts'
import { Argon2id } from '../../src/users/argon2.ts'
import { PasswordHasher } from '../../src/users/password_hash.ts'

const COST = { m: 19456, t: 2, p: 1 }
/** A fast cost, too weak for config.yml. */
const TEST_COST = { m: 256, t: 2, p: 1 }

/** Of crypt_blowfish (wrapper.c), for `U*U`. */
const BCRYPT = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'

const hasher = new PasswordHasher(argon2Module, TEST_COST)
const hex = (data: Uint8Array) => [...data].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** 132 bytes of UTF-8 in 66 characters. */
const LONG = 'пароль'.repeat(11)

describe('Argon2id', () => {
  // src/test.c of the reference implementation, version 0x13.
  it.each([
    [2, 8, 1, 'password', 'somesalt', '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
    [2, 8, 2, 'password', 'somesalt', '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
    [2, 16, 1, 'password', 'somesalt', '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
    [1, 16, 1, 'password', 'somesalt', 'f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98'],
    [4, 16, 1, 'password', 'somesalt', '9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c'],
    [
      2,
      16,
      1,
      'differentpassword',
      'somesalt',
      '0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde',
    ],
    [2, 16, 1, 'password', 'diffsalt', 'bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c'],
  ])(
    'Argon2id gives the published hash for t=%i, m=2^%i, p=%i, %s, %s',
    (t, log2m, p, password, salt, hash) => {
      const input = { password: encodeUtf8(password), salt: encodeUtf8(salt), cost: { m: 2 ** log2m, t, p } }
      expect(hex(new Argon2id(argon2Module).hash({ ...input, hashLength: 32 }))).toBe(hash)
    },
  )

  it('Argon2id uses no more memory than its most expensive hash, in any order of hashes', () => {
    const instances = vi.spyOn(WebAssembly, 'Instance')
    const argon2 = new Argon2id(argon2Module)
    const input = { password: encodeUtf8('password'), salt: encodeUtf8('somesalt'), hashLength: 32 }
    for (const m of [19_456, 32_768, 19_456, 32_768, 64]) argon2.hash({ ...input, cost: { m, t: 1, p: 1 } })
    const exports = instances.mock.results.map(({ value }) => value.exports)
    instances.mockRestore()
    const sizes = exports.map(({ memory }) => Math.floor(memory.buffer.byteLength / 2 ** 20))
    expect(sizes).toEqual([19, 32])
  })

  it('Argon2id throws an error with the code for refused parameters', () => {
    const argon2 = new Argon2id(argon2Module)
    const input = { password: encodeUtf8('password'), salt: encodeUtf8('short'), hashLength: 32 }
    expect(() => argon2.hash({ ...input, cost: TEST_COST })).toThrow(new Error('argon2 refused with code -6'))
  })
})

describe('a new password hash', () => {
  it('a new password hash is Argon2id at OWASP’s cost with 16 bytes of salt and 32 of hash, in PHC form', async () => {
    const phc = await new PasswordHasher(argon2Module, COST).hash(encodeUtf8('password'))
    const [, algorithm, version, cost, salt = '', hash = ''] = phc.split('$')
    expect([algorithm, version, cost]).toEqual(['argon2id', 'v=19', 'm=19456,t=2,p=1'])
    expect([decodeBase64(salt)?.length, decodeBase64(hash)?.length]).toEqual([16, 32])
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  })

  it('a new password hash has a new salt', async () => {
    const password = encodeUtf8('password')
    const salts = new Set<string | undefined>()
    for (let i = 0; i < 20; i++) salts.add((await hasher.hash(password)).split('$')[4])
    expect(salts.size).toBe(20)
  })

  it.each([
    ['ASCII', 'password', 'passwore'],
    ['another beginning', 'password', 'bassword'],
    ['more', 'password', 'password1'],
    ['less', 'password', 'passwor'],
    ['another case', 'password', 'Password'],
    ['the last character of a long one that is not ASCII', `${LONG}а`, `${LONG}б`],
    ['the last character of one with emoji', '🔑🔑🔑🔑', '🔑🔑🔑🔒'],
    ['nothing', '', ' '],
  ])('a new password hash verifies only its password: %s', async (_case, password, other) => {
    const stored = await hasher.hash(encodeUtf8(password))
    expect(await hasher.verify([encodeUtf8(password)], stored)).toBe(true)
    expect(await hasher.verify([encodeUtf8(other)], stored)).toBe(false)
  })
})

describe('a stored password hash', () => {
  const published = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'

  it('a stored password hash verifies with any cost', async () => {
    expect(await hasher.verify([encodeUtf8('password')], published)).toBe(true)
    expect(await hasher.verify([encodeUtf8('Password')], published)).toBe(false)
  })

  it('a stored password hash verifies with each form of the password, and every form costs a hash', async () => {
    const [form, other, third] = ['a', 'b', 'c'].map(encodeUtf8) as [Uint8Array, Uint8Array, Uint8Array]
    const stored = await hasher.hash(form)
    const compute = vi.spyOn(Argon2id.prototype, 'hash')
    expect(await hasher.verify([form, other], stored)).toBe(true)
    expect(await hasher.verify([other, form], stored)).toBe(true)
    expect(await hasher.verify([other, third], stored)).toBe(false)
    expect(await hasher.verify([form, other], null)).toBe(false)
    const hashes = compute.mock.calls.length
    compute.mockRestore()
    expect(hashes).toBe(8)
  })

  it('a stored password hash is outdated unless its scheme and cost are those of a new hash', async () => {
    const today = await hasher.hash(encodeUtf8('password'))
    expect(hasher.findOutdated(today)).toBe(null)
    const outdated = [published, today.replace('m=256', 'm=512'), `${today}AAAA`, BCRYPT]
    expect(outdated.map((stored) => hasher.findOutdated(stored)).map((it) => [it?.scheme, it?.cost])).toEqual(
      [
        ['argon2id', 'm=65536,t=2,p=1'],
        ['argon2id', 'm=512,t=2,p=1'],
        ['argon2id', 'm=256,t=2,p=1'],
        ['bcrypt', 'cost=5'],
      ],
    )
  })

  it('a stored password hash verifies nothing for an unknown user, with the cost of a new hash', async () => {
    const compute = vi.spyOn(Argon2id.prototype, 'hash')
    for (const password of ['password', '']) {
      expect(await hasher.verify([encodeUtf8(password)], null)).toBe(false)
    }
    const costs = compute.mock.calls.map(([{ cost, salt, hashLength }]) => [cost, salt.length, hashLength])
    compute.mockRestore()
    expect(costs).toEqual([
      [TEST_COST, 16, 32],
      [TEST_COST, 16, 32],
    ])
  })

  it.each([
    ['nothing', '', 'the hash names no scheme that is known here'],
    ['a truncated hash', published.slice(0, -40), 'argon2id: the hash has fewer than 16 bytes'],
    [
      'a hash that takes too long',
      BCRYPT.replace('$05$', '$14$'),
      'bcrypt: cost=14 takes too long: at most 13',
    ],
  ])(
    'a stored password hash that is corrupt is an error and not a wrong password: %s',
    async (_case, stored, reason) => {
      await expect(hasher.verify([encodeUtf8('password')], stored)).rejects.toThrow(
        new CorruptRecord(`a password hash: ${reason}`),
      )
    },
  )
})

import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { describe, expect, it, vi } from 'vitest'
import { decodeBase64, encodeBase64, encodeUtf8 } from '../../src/lib/bytes.ts'
import { CorruptRecord } from '../../src/lib/storage_error.ts'
import { Argon2id } from '../../src/users/argon2.ts'
import { PasswordHasher } from '../../src/users/password_hash.ts'

const COST = { m: 19456, t: 2, p: 1 }
/** Too weak to configure, and fast. */
const TEST_COST = { m: 256, t: 2, p: 1 }

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
  ])('gives the published hash for t=%i, m=2^%i, p=%i, %s, %s', (t, log2m, p, password, salt, hash) => {
    const input = { password: encodeUtf8(password), salt: encodeUtf8(salt), cost: { m: 2 ** log2m, t, p } }
    expect(hex(new Argon2id(argon2Module).hash({ ...input, hashLength: 32 }))).toBe(hash)
  })

  it('says by its code why it refuses parameters', () => {
    const argon2 = new Argon2id(argon2Module)
    const input = { password: encodeUtf8('password'), salt: encodeUtf8('short'), hashLength: 32 }
    expect(() => argon2.hash({ ...input, cost: TEST_COST })).toThrow(new Error('argon2 refused with code -6'))
  })
})

describe('a new password hash', () => {
  it('is Argon2id at OWASP’s cost with 16 bytes of salt and 32 of hash, in PHC form', async () => {
    const phc = await new PasswordHasher(argon2Module, COST).hash(encodeUtf8('password'))
    const [, algorithm, version, cost, salt = '', hash = ''] = phc.split('$')
    expect([algorithm, version, cost]).toEqual(['argon2id', 'v=19', 'm=19456,t=2,p=1'])
    expect([decodeBase64(salt)?.length, decodeBase64(hash)?.length]).toEqual([16, 32])
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  })

  it('has a salt of its own', async () => {
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
  ])('verifies its password alone: %s', async (_case, password, other) => {
    const stored = await hasher.hash(encodeUtf8(password))
    expect(await hasher.verify(encodeUtf8(password), stored)).toBe(true)
    expect(await hasher.verify(encodeUtf8(other), stored)).toBe(false)
  })
})

describe('a stored password hash', () => {
  const published = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'

  it('verifies whatever cost it was made at', async () => {
    expect(await hasher.verify(encodeUtf8('password'), published)).toBe(true)
    expect(await hasher.verify(encodeUtf8('Password'), published)).toBe(false)
  })

  it('verifies nothing where there is none, at the cost of a new one', async () => {
    const compute = vi.spyOn(Argon2id.prototype, 'hash')
    for (const password of ['password', '']) {
      expect(await hasher.verify(encodeUtf8(password), null)).toBe(false)
    }
    const costs = compute.mock.calls.map(([{ cost, salt, hashLength }]) => [cost, salt.length, hashLength])
    compute.mockRestore()
    expect(costs).toEqual([
      [TEST_COST, 16, 32],
      [TEST_COST, 16, 32],
    ])
  })

  const [salt, hash] = [encodeBase64(new Uint8Array(16)), encodeBase64(new Uint8Array(32))]

  it.each([
    ['nothing', ''],
    ['the password itself', 'password'],
    ['another algorithm', `$argon2i$v=19$m=256,t=2,p=1$${salt}$${hash}`],
    ['another version', `$argon2id$v=16$m=256,t=2,p=1$${salt}$${hash}`],
    ['no version', `$argon2id$m=256,t=2,p=1$${salt}$${hash}`],
    ['no hash', `$argon2id$v=19$m=256,t=2,p=1$${salt}`],
    ['an empty hash', `$argon2id$v=19$m=256,t=2,p=1$${salt}$`],
    ['a hash cut short in the middle of a byte', `$argon2id$v=19$m=256,t=2,p=1$${salt}$${hash.slice(0, 41)}`],
    ['something after the hash', `$argon2id$v=19$m=256,t=2,p=1$${salt}$${hash}$x`],
    ['a line after the hash', `$argon2id$v=19$m=256,t=2,p=1$${salt}$${hash}\n`],
    ['a cost that is no number', `$argon2id$v=19$m=x,t=2,p=1$${salt}$${hash}`],
    ['more memory than an isolate has', `$argon2id$v=19$m=131072,t=2,p=1$${salt}$${hash}`],
    ['a cost of nothing', `$argon2id$v=19$m=0,t=0,p=0$${salt}$${hash}`],
    ['a salt of three bytes', `$argon2id$v=19$m=256,t=2,p=1$AAAA$${hash}`],
    ['a hash of three bytes', `$argon2id$v=19$m=256,t=2,p=1$${salt}$AAAA`],
    ['a cost past any budget', `$argon2id$v=19$m=16777216,t=2,p=1$${salt}$${hash}`],
  ])('that is corrupt is no wrong password: %s', async (_case, stored) => {
    await expect(hasher.verify(encodeUtf8('password'), stored)).rejects.toThrow(
      new CorruptRecord('a password hash is not an Argon2id PHC string that an isolate can afford'),
    )
  })
})

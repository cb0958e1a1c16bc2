import { createHash } from 'node:crypto'
import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { HashRefused } from '@sallyport/formats/schemes/hash_scheme'
import { readHash } from '@sallyport/formats/schemes/read_hash'
import { formatSymfonyHash } from '@sallyport/formats/schemes/symfony_scheme'
import { describe, expect, it } from 'vitest'
import { encodeBase64, encodeUtf8 } from '../../src/lib/bytes.ts'
import { PasswordHasher } from '../../src/users/password_hash.ts'

const hasher = new PasswordHasher(argon2Module, { m: 256, t: 2, p: 1 })

function verify(password: string, stored: string): Promise<boolean> {
  return hasher.verify([encodeUtf8(password)], stored)
}

/** The result of `readHash`. */
function describeHash(text: string) {
  try {
    const { scheme, cost } = readHash(text)
    return { isAccepted: true, scheme, cost }
  } catch (error) {
    if (!(error instanceof HashRefused)) throw error
    return { isAccepted: false, cause: error.refusalCause, reason: error.message }
  }
}

/** The base64 of PHC strings, from the hex or the text of publications. */
const ofHex = (hex: string) => encodeBase64(Buffer.from(hex, 'hex'))
const ofText = (text: string) => encodeBase64(encodeUtf8(text))

const [SALT, HASH] = [encodeBase64(new Uint8Array(16)), encodeBase64(new Uint8Array(32))]
const CHARACTERS = 'C'.repeat(53)
const DIGITS_AND_LETTERS =
  '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored'

describe('a hash of another system verifies only its password', () => {
  it.each([
    // src/test.c of the reference implementation, in the forms of libsodium and of PHP and Symfony.
    [
      'password',
      '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
      'm=65536,t=2,p=1',
    ],
    [
      'password',
      `$argon2id$v=19$m=65536,t=4,p=1$${ofText('somesalt')}$${ofHex('9025d48e68ef7395cca9079da4c4ec3affb3c8911fe4f86d1a2520856f63172c')}`,
      'm=65536,t=4,p=1',
    ],
  ])(
    'a hash of another system verifies only its password: argon2id: %j, %s',
    async (password, stored, cost) => {
      expect([await verify(password, stored), await verify(`${password}x`, stored)]).toEqual([true, false])
      expect(describeHash(stored)).toEqual({ isAccepted: true, scheme: 'argon2id', cost })
    },
  )

  it.each([
    // wrapper.c of crypt_blowfish 1.3 (openwall.com/crypt).
    ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['U*U*', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
    ['U*U*U', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
    ['', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
    // The example of password_verify in PHP's manual.
    ['rasmuslerdorf', '$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq'],
    // TestBCrypt.java of jBCrypt 0.4.
    ['abc', '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i'],
    ['~!@#$%^&*()      ~!@#$%^&*()PNBFRD', '$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO'],
  ])('bcrypt: %j, %s', async (password, stored) => {
    const texts = ['$2a$', '$2b$', '$2y$'].map((prefix) => prefix + stored.slice(4))
    for (const text of texts) {
      expect([await verify(password, text), await verify(`${password}x`, text)]).toEqual([true, false])
      const cost = `cost=${Number(stored.slice(4, 6))}`
      expect(describeHash(text)).toEqual({ isAccepted: true, scheme: 'bcrypt', cost })
    }
  })

  it.each([
    // Made by crypt(3) of libxcrypt 4.4.
    ['pâte 🔑', '$2y$05$CCCCCCCCCCCCCCCCCCCCC.T7.HRuDft.5P0lre96D59EyQvW1m1y.'],
    ['\ufeffbom', '$2y$05$CCCCCCCCCCCCCCCCCCCCC.wk38byyUQC4oa76VzvSTBkP7OVK6yXu'],
    [`x${'é'.repeat(40)}`, '$2y$05$CCCCCCCCCCCCCCCCCCCCC.N6GgcNaa6UTfV8nvc97jjfo5E5R2wcS'],
  ])(
    'a hash of another system verifies only its password: bcrypt: %j, which is not ASCII',
    async (password, stored) => {
      expect([await verify(password, stored), await verify(password.slice(1), stored)]).toEqual([true, false])
    },
  )

  it('a hash of another system verifies only its password: bcrypt: only 72 bytes, also if the limit is inside a character', async () => {
    // wrapper.c of crypt_blowfish 1.3.
    const stored = '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui'
    expect(await verify(DIGITS_AND_LETTERS, stored)).toBe(true)
    expect(await verify(DIGITS_AND_LETTERS.slice(0, 72), stored)).toBe(true)
    expect(await verify(DIGITS_AND_LETTERS.slice(0, 71), stored)).toBe(false)
  })

  it.each([
    // RFC 7914 §12.
    [
      'password',
      `$scrypt$ln=10,r=8,p=16$${ofText('NaCl')}$${ofHex('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640')}`,
      'ln=10,r=8,p=16',
    ],
    [
      'pleaseletmein',
      `$scrypt$ln=14,r=8,p=1$${ofText('SodiumChloride')}$${ofHex('7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887')}`,
      'ln=14,r=8,p=1',
    ],
    // The documentation of passlib.hash.scrypt, at its default cost.
    [
      'password',
      '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
      'ln=16,r=8,p=1',
    ],
  ])(
    'a hash of another system verifies only its password: scrypt: %j, %s',
    async (password, stored, cost) => {
      expect([await verify(password, stored), await verify(`${password}x`, stored)]).toEqual([true, false])
      expect(describeHash(stored)).toEqual({ isAccepted: true, scheme: 'scrypt', cost })
    },
  )

  const passwd = ofHex(
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
  )

  it.each([
    // RFC 7914 §11.
    ['passwd', `$pbkdf2-sha256$i=1,l=64$${ofText('salt')}$${passwd}`, 'pbkdf2-sha256', 'i=1'],
    ['passwd', `$pbkdf2-sha256$i=1$${ofText('salt')}$${passwd}`, 'pbkdf2-sha256', 'i=1'],
    [
      'Password',
      `$pbkdf2-sha256$i=80000,l=64$${ofText('NaCl')}$${ofHex('4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d')}`,
      'pbkdf2-sha256',
      'i=80000',
    ],
    // The inputs of RFC 6070 with SHA-512, as published for many libraries.
    [
      'password',
      `$pbkdf2-sha512$i=1,l=64$${ofText('salt')}$${ofHex('867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce')}`,
      'pbkdf2-sha512',
      'i=1',
    ],
    // The documentation of passlib.hash.pbkdf2_sha256.
    [
      'password',
      '$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44',
      'pbkdf2-sha256',
      'i=6400',
    ],
  ])(
    'a hash of another system verifies only its password: pbkdf2: %j, %s',
    async (password, stored, scheme, cost) => {
      expect([await verify(password, stored), await verify(`${password}x`, stored)]).toEqual([true, false])
      expect(describeHash(stored)).toEqual({ isAccepted: true, scheme, cost })
    },
  )
})

/** Symfony's MessageDigestPasswordHasher in strings, as its PHP reads: `hash('sha512', $digest.$salted, true)`. */
function symfonyDigest(salted: string, iterations: number): string {
  const sha512 = (text: string) => createHash('sha512').update(text, 'latin1').digest().toString('latin1')
  const bytes = Buffer.from(salted).toString('latin1')
  let digest = sha512(bytes)
  for (let i = 1; i < iterations; i++) digest = sha512(digest + bytes)
  return Buffer.from(digest, 'latin1').toString('base64')
}

describe('Symfony’s sha512', () => {
  it.each([
    ['its defaults', 'secret', 'k8ynhpr4fc0gkogwcs8o0ko0k8gg4s8', 5000],
    ['one iteration', 'secret', 'salt', 1],
    ['no salt', 'secret', '', 5000],
    ['text outside ASCII', 'pâte 🔑', 'sel é', 3],
  ])('Symfony’s sha512 verifies only its password: %s', async (_case, password, salt, iterations) => {
    const salted = salt === '' ? password : `${password}{${salt}}`
    const stored = formatSymfonyHash({ hash: symfonyDigest(salted, iterations), salt, iterations })
    expect(stored).toMatch(/^\$symfony-sha512\$i=\d+\$[A-Za-z0-9+/]*\$[A-Za-z0-9+/]{86}$/)
    expect([await verify(password, stored), await verify(`${password}x`, stored)]).toEqual([true, false])
    const cost = `i=${iterations}`
    expect(describeHash(stored)).toEqual({ isAccepted: true, scheme: 'symfony-sha512', cost })
  })

  it.each([[''], ['not base64!'], [encodeBase64(new Uint8Array(32))]])(
    'Symfony’s sha512 is refused if it is not 64 bytes in base64: %j',
    (hash) => {
      expect(() => formatSymfonyHash({ hash, salt: 'salt', iterations: 5000 })).toThrow(
        'symfony-sha512: the hash is not 64 bytes in base64',
      )
    },
  )
})

const ARGON2ID_FORM = 'argon2id: not of the form $argon2id$v=19$m=…,t=…,p=…$salt$hash'
const BCRYPT_FORM = 'bcrypt: not of the form $2a$, $2b$ or $2y$, two digits, $ and 53 characters'
const SYMFONY_FORM = 'symfony-sha512: not of the form $symfony-sha512$i=…$salt$hash'
const UNKNOWN = 'the hash names no scheme that is known here'
const sha512 = encodeBase64(new Uint8Array(64))

describe('a hash is refused with the cause', () => {
  it.each([
    ['argon2id', `$argon2id$v=19$m=65537,t=1,p=1$${SALT}$${HASH}`, 'm=65537 is more memory than 65536 KiB'],
    [
      'argon2id',
      `$argon2id$v=19$m=16777216,t=9,p=1$${SALT}$${HASH}`,
      'm=16777216 is more memory than 65536 KiB',
    ],
    ['scrypt', `$scrypt$ln=17,r=8,p=1$${SALT}$${HASH}`, 'ln=17,r=8,p=1 is more memory than 65536 KiB'],
    ['scrypt', `$scrypt$ln=16,r=9,p=1$${SALT}$${HASH}`, 'ln=16,r=9,p=1 is more memory than 65536 KiB'],
    ['scrypt', `$scrypt$ln=99,r=99,p=1$${SALT}$${HASH}`, 'ln=99,r=99,p=1 is more memory than 65536 KiB'],
    [
      'firebase-scrypt',
      `$firebase-scrypt$ln=16,r=32$${SALT}$${HASH}`,
      'ln=16,r=32,p=1 is more memory than 65536 KiB',
    ],
  ])('a hash is refused with the cause: memory: %s, %s', (scheme, stored, reason) => {
    expect(describeHash(stored)).toEqual({
      isAccepted: false,
      cause: 'memory',
      reason: `${scheme}: ${reason}`,
    })
  })

  it.each([
    [
      'argon2id',
      `$argon2id$v=19$m=65536,t=11,p=1$${SALT}$${HASH}`,
      'm=65536,t=11 takes too long: at most t=10',
    ],
    [
      'argon2id',
      `$argon2id$v=19$m=8,t=99999999,p=1$${SALT}$${HASH}`,
      'm=8,t=99999999 takes too long: at most t=81920',
    ],
    ['bcrypt', `$2y$14$${CHARACTERS}`, 'cost=14 takes too long: at most 13'],
    [
      'scrypt',
      `$scrypt$ln=16,r=8,p=3$${SALT}$${HASH}`,
      'ln=16,r=8,p=3 is refused by Cloudflare: N·r·p is at most 2^20',
    ],
    [
      'pbkdf2-sha256',
      `$pbkdf2-sha256$i=100001$${SALT}$${HASH}`,
      'i=100001 is refused by Cloudflare: at most 100000',
    ],
    [
      'pbkdf2-sha512',
      `$pbkdf2-sha512$210000$${SALT}$${HASH}`,
      'i=210000 is refused by Cloudflare: at most 100000',
    ],
    [
      'symfony-sha512',
      `$symfony-sha512$i=100001$${SALT}$${sha512}`,
      'i=100001 takes too long: at most 100000',
    ],
    ['phpass-md5', `$phpass-md5$ln=18$abcdefgh$${'a'.repeat(22)}`, 'ln=18 takes too long: at most 17'],
    [
      'symfony-sha512',
      `$symfony-sha512$i=100000$${SALT}$*86$argon2id$v=19$m=65536,t=10,p=1$${SALT}$${HASH}`,
      'i=100000 in argon2id m=65536,t=10,p=1 takes about 605 ms: at most 500',
    ],
  ])('a hash is refused with the cause: time: %s, %s', (scheme, stored, reason) => {
    expect(describeHash(stored)).toEqual({ isAccepted: false, cause: 'time', reason: `${scheme}: ${reason}` })
  })

  it.each([
    [''],
    ['password'],
    ['5f4dcc3b5aa765d61d8327deb882cf99'],
    [`$argon2i$v=19$m=256,t=2,p=1$${SALT}$${HASH}`],
    ['$1$salt$qJH7.N4xYta3aEG/dfqo/0'],
    [`pbkdf2_sha256$1000$salt$${HASH}`],
    [`$pbkdf2$1000$${SALT}$${HASH}`],
    [` $2y$10$${CHARACTERS}`],
  ])('a hash is refused with the cause: unknown: %s', (stored) => {
    expect(describeHash(stored)).toEqual({ isAccepted: false, cause: 'unknown', reason: UNKNOWN })
  })

  it.each([
    [`$argon2id$v=16$m=256,t=2,p=1$${SALT}$${HASH}`, ARGON2ID_FORM],
    [`$argon2id$m=256,t=2,p=1$${SALT}$${HASH}`, ARGON2ID_FORM],
    [`$argon2id$v=19$m=256,t=2,p=1$${SALT}`, ARGON2ID_FORM],
    [`$argon2id$v=19$m=256,t=2,p=1$${SALT}$`, ARGON2ID_FORM],
    [`$argon2id$v=19$m=256,t=2,p=1$${SALT}$${HASH}$x`, ARGON2ID_FORM],
    [`$argon2id$v=19$m=256,t=2,p=1$${SALT}$${HASH}\n`, ARGON2ID_FORM],
    [`$argon2id$v=19$m=x,t=2,p=1$${SALT}$${HASH}`, ARGON2ID_FORM],
    [`$argon2id$v=19$m=256,t=2,p=1,keyid=AA$${SALT}$${HASH}`, ARGON2ID_FORM],
    [`$argon2id$v=19$m=256,t=2,p=1$${SALT}$${'A'.repeat(87)}`, ARGON2ID_FORM],
    [
      `$argon2id$v=19$m=256,t=2,p=1$${SALT}$${HASH.slice(0, 41)}`,
      'argon2id: the salt or the hash is no base64',
    ],
    [`$argon2id$v=19$m=256,t=2,p=1$AAAA$${HASH}`, 'argon2id: the salt has fewer than 8 bytes'],
    [`$argon2id$v=19$m=256,t=2,p=1$${SALT}$AAAA`, 'argon2id: the hash has fewer than 16 bytes'],
    [`$argon2id$v=19$m=0,t=0,p=0$${SALT}$${HASH}`, 'argon2id: no such cost (RFC 9106 §3.1)'],
    [`$argon2id$v=19$m=15,t=1,p=2$${SALT}$${HASH}`, 'argon2id: no such cost (RFC 9106 §3.1)'],
    [`$2x$10$${CHARACTERS}`, BCRYPT_FORM],
    [`$2$10$${CHARACTERS}`, BCRYPT_FORM],
    [`$2y$10$${CHARACTERS.slice(1)}`, BCRYPT_FORM],
    [`$2y$10$${CHARACTERS}\n`, BCRYPT_FORM],
    [`$2y$03$${CHARACTERS}`, 'bcrypt: no such cost: at least 4'],
    [`$scrypt$n=14,r=8,p=1$${SALT}$${HASH}`, 'scrypt: not of the form $scrypt$ln=…,r=…,p=…$salt$hash'],
    [`$scrypt$ln=0,r=8,p=1$${SALT}$${HASH}`, 'scrypt: no such cost (RFC 7914 §2)'],
    [`$scrypt$ln=16,r=1,p=1$${SALT}$${HASH}`, 'scrypt: no such cost (RFC 7914 §2)'],
    [
      `$pbkdf2-sha256$$${SALT}$${HASH}`,
      'pbkdf2: not of the form $pbkdf2-sha256$i=…,l=…$salt$hash, or passlib’s',
    ],
    [`$pbkdf2-sha256$i=0$${SALT}$${HASH}`, 'pbkdf2-sha256: no iterations'],
    [
      `$pbkdf2-sha256$i=1,l=64$${SALT}$${HASH}`,
      'pbkdf2-sha256: the hash does not have the 64 bytes that l= names',
    ],
    [`$symfony-sha512$i=5000$${SALT}$${HASH}`, SYMFONY_FORM],
    [`$symfony-sha512$i=0$${SALT}$${sha512}`, 'symfony-sha512: no iterations'],
    [`$symfony-sha512$i=1$${ofText('a{b}')}$${sha512}`, 'symfony-sha512: no salt of Symfony’s'],
    [`$phpass-md5$ln=6$abcdefgh$${'a'.repeat(22)}`, 'phpass-md5: ln=6 is not a valid cost: at least 7'],
    [`$phpass-md5$ln=13$abcdefgh$${'a'.repeat(43)}`, 'phpass: not of the form $phpass-md5$ln=…$salt$hash'],
    [
      `$firebase-scrypt$ln=14$${SALT}$${HASH}`,
      'firebase-scrypt: not of the form $firebase-scrypt$ln=…,r=…$salt$hash',
    ],
    [`$digest$md4-sp$${SALT}$${'a'.repeat(32)}`, 'digest: not of the form $digest$steps$salt$hex'],
    [`$digest$sha1-sp$${SALT}$${'a'.repeat(32)}`, 'digest: not of the form $digest$steps$salt$hex'],
    [`$devise$2a$10$${CHARACTERS.slice(1)}`, BCRYPT_FORM],
    [
      `$digest$sha1-sp$${SALT}$*32$argon2id$v=19$m=19456,t=2,p=1$${SALT}$${HASH}`,
      'digest: not of the form $digest$steps$salt$hex',
    ],
    [`$digest$md5-sp$${SALT}$*32$argon2id$v=19$m=19456,t=2,p=1$${SALT}`, ARGON2ID_FORM],
    ['$argon2id$'.repeat(103), 'longer than 1024 characters'],
  ])('a hash is refused with the cause: malformed: %s', (stored, reason) => {
    expect(describeHash(stored)).toEqual({ isAccepted: false, cause: 'broken', reason })
  })
})

describe('the most expensive accepted hash', () => {
  it.each([
    [`$argon2id$v=19$m=65536,t=10,p=1$${SALT}$${HASH}`],
    [`$argon2id$v=19$m=65536,t=1,p=255$${SALT}$${HASH}`],
    [`$2y$13$${CHARACTERS}`],
    [`$scrypt$ln=16,r=8,p=2$${SALT}$${HASH}`],
    [`$scrypt$ln=1,r=99,p=99$${SALT}$${HASH}`],
    [`$scrypt$ln=15,r=1,p=32$${SALT}$${HASH}`],
    [`$pbkdf2-sha512$i=100000$${SALT}$${sha512}`],
    [`$symfony-sha512$i=100000$${SALT}$${sha512}`],
  ])('the most expensive accepted hash gives a wrong password and no error: %s', async (stored) => {
    expect(await verify('password', stored)).toBe(false)
  })
})

import argon2Module from '@phi-ag/argon2/argon2.wasm'
import { convertHash, IMPORT_SCHEMES } from '@sallyport/formats/schemes/conversion/convert_hash'
import { recogniseHash } from '@sallyport/formats/schemes/conversion/self_describing'
import { readHash } from '@sallyport/formats/schemes/read_hash'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeUtf8 } from '../../src/lib/bytes.ts'
import { PasswordHasher } from '../../src/users/password_hash.ts'
import { HASH_VECTORS, VECTOR_KEYS } from '../support/hash_vectors.ts'

const hasher = new PasswordHasher(argon2Module, { m: 256, t: 2, p: 1 }, { keys: VECTOR_KEYS })

function verify(password: string, stored: string): Promise<boolean> {
  return hasher.verify([encodeUtf8(password)], stored)
}

describe('a hash of another system', () => {
  it.each(
    HASH_VECTORS.map((vector) => [vector.scheme ?? recogniseHash(vector.columns.hash), vector] as const),
  )(
    'of the scheme %s is converted exactly, and verifies only its password',
    async (name, { scheme, columns, password }) => {
      const conversion = convertHash(scheme, columns)
      expect(conversion).toMatchObject({ isAccepted: true, scheme: name })
      if (!conversion.isAccepted) return
      const adopted = await hasher.adopt(hasher.readImported(conversion.stored))
      for (const stored of [conversion.stored, adopted]) {
        expect([await verify(password, stored), await verify(`${password}x`, stored)]).toEqual([true, false])
      }
    },
  )

  it.each([
    ['wordpress', '$P$BabcdefghOYsn9tY2PhvYxll1026XJ1'],
    ['wordpress', '$wp$2y$05$1.uKI9ywhaqhRi2UwyeqW.Je6/g4aNrey1eyO1MpE/okdrYt4WuEa'],
    ['wordpress', '2c4cddcba2f52bcb2e236ba98cad052b'],
    ['drupal', '$S$DabcdXYZ99T5IKGvKoXCziz5T0xMg4Hc779QDr4V1VXfd.oCZz1u'],
    ['prestashop', 'c3ef8b5a29dbf6575c335da01207e0bf'],
    ['prestashop', '$2y$05$93sSKrhYAEYxGqhPhYCIR.qqdEBiEUMmMT/VIqZvNYX0x4OkQPsBC'],
  ])('of %s ignores spaces around the password: %s', async (scheme, hash) => {
    const conversion = convertHash(scheme, { hash })
    const imported = hasher.readImported(conversion.isAccepted ? conversion.stored : '')
    const outdated = hasher.findOutdated(await hasher.adopt(imported))
    const ignores = ['secret', 'se cret', ' secret', 'secret\t'].map((text) =>
      outdated?.ignoresPartOf?.(encodeUtf8(text)),
    )
    expect(ignores).toEqual([false, false, true, true])
  })

  it('the test has a vector for every import scheme', () => {
    const names = new Set(HASH_VECTORS.map(({ scheme, columns }) => scheme ?? recogniseHash(columns.hash)))
    // test/users/schemes.test.ts has the vectors of the other forms.
    const elsewhere = ['argon2id', 'bcrypt', 'scrypt', 'sallyport']
    const missing = IMPORT_SCHEMES.map(({ name }) => name).filter((name) => !names.has(name))
    expect(missing.filter((name) => !elsewhere.includes(name))).toEqual([])
  })
})

const NEW_PASSWORD =
  'import the user without a password (no_password, or --reset unsupported), and send your password reset'

/** A credential in the JSON of a realm. */
function keycloakCredential(algorithm: string, hashIterations: number): string {
  const secretData = JSON.stringify({ value: 'A'.repeat(86), salt: 'AAECAwQFBgcICQoLDA0ODw==' })
  return JSON.stringify({ secretData, credentialData: JSON.stringify({ algorithm, hashIterations }) })
}

describe('a hash that the server cannot verify', () => {
  it.each([
    [
      null,
      'pbkdf2_sha256$260000$seaSALT123$HEEbtJp+plMKUDMx+HhywMMoNxPaFX0jlHR2C8t15Jg=',
      'django: pbkdf2-sha256: i=260000 is refused by Cloudflare: at most 100000',
    ],
    [
      'aspnet-identity',
      'AQAAAAEAA9CQAAAAIESkQuj2Du8Y+kbc5lcN/W/3NiAZFEm11P27nrSN5/tId+bR1SwV8CO1Jd72r4C08OLvplNlCDc3oQZ8efcW+jQ=',
      'aspnet-identity: pbkdf2-sha256: i=250000 is refused by Cloudflare: at most 100000',
    ],
    [
      'keycloak',
      keycloakCredential('pbkdf2-sha512', 210_000),
      'keycloak: pbkdf2-sha512: i=210000 is refused by Cloudflare: at most 100000',
    ],
    [null, `$wp$2y$14$${'C'.repeat(53)}`, 'wordpress: bcrypt: cost=14 takes too long: at most 13'],
    [null, `$S$G${'a'.repeat(51)}`, 'drupal: phpass-sha512: ln=18 takes too long: at most 17'],
    [
      'magento2',
      `${'a'.repeat(64)}:salt:0:3_32_11_67108864`,
      'magento2: argon2id: m=65536,t=11 takes too long: at most t=10',
    ],
  ])(
    'a hash that takes too long is refused with the scheme, the numbers and advice: %s %s',
    (scheme, hash, reason) => {
      const refusal = { isAccepted: false, scheme: scheme ?? recogniseHash(hash), cause: 'time' }
      expect(convertHash(scheme, { hash })).toEqual({ ...refusal, reason, alternative: NEW_PASSWORD })
    },
  )

  it.each([
    [
      null,
      'argon2$argon2id$v=19$m=102400,t=2,p=8$c2VhU0FMVDEyM3h5eg$a0zG1/K+iQrQ+55mhcE0oQ',
      'django: argon2id: m=102400 is more memory than 65536 KiB',
    ],
    [
      'magento2',
      `${'a'.repeat(64)}:salt:3_32_2_268435456`,
      'magento2: argon2id: m=262144 is more memory than 65536 KiB',
    ],
  ])('a hash that needs too much memory is refused in the same way: %s %s', (scheme, hash, reason) => {
    const refusal = { isAccepted: false, scheme: scheme ?? recogniseHash(hash), cause: 'memory' }
    expect(convertHash(scheme, { hash })).toEqual({ ...refusal, reason, alternative: NEW_PASSWORD })
  })

  it.each([
    [null, '$argon2i$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$AAAA', 'argon2i: not supported: only Argon2id is'],
    [
      null,
      '$1$salt$qJH7.N4xYta3aEG/dfqo/0',
      'md5crypt: not supported: neither Web Crypto nor node:crypto has it',
    ],
    [null, '$6$salt$AAAA', 'sha512crypt: not supported: neither Web Crypto nor node:crypto has it'],
    [null, '$y$j9T$salt$AAAA', 'yescrypt: not supported: neither Web Crypto nor node:crypto has it'],
    [
      null,
      'md5$salt$AAAA',
      'a scheme of Django or Werkzeug: not supported: docs/password-hashes.md does not have it',
    ],
    [
      null,
      '{pbkdf2@SpringSecurity_v5_8}AAAA',
      'spring: the encoder {pbkdf2@SpringSecurity_v5_8} is not supported: only {bcrypt} and {argon2}',
    ],
    [null, '{noop}secret', 'spring: the encoder {noop} is not supported: only {bcrypt} and {argon2}'],
    [
      'keycloak',
      keycloakCredential('bcrypt-sha1', 10),
      'keycloak: the algorithm bcrypt-sha1 is not supported',
    ],
    ['magento2', `${'a'.repeat(64)}:salt:2:1`, 'magento2: the versions 2:1 are not supported'],
  ])(
    'a hash of an unsupported scheme is refused with the name of the scheme: %s %s',
    (scheme, hash, reason) => {
      const refusal = { isAccepted: false, cause: 'unsupported', reason, alternative: NEW_PASSWORD }
      expect(convertHash(scheme, { hash })).toMatchObject(refusal)
    },
  )

  it.each([
    ['magento2', 'abc:def', 'magento2: not of the form hash:salt:version'],
    ['magento2', `${'a'.repeat(62)}:salt:2`, 'magento2: the hash does not have the 32 bytes of its version'],
    ['magento2', `${'a'.repeat(64)}::2`, 'magento2: the salt is empty'],
    ['magento2', `${'a'.repeat(64)}:salt:0`, 'magento2: digest: not of the form $digest$steps$salt$hex'],
    ['magento1', 'abc', 'magento1: not of the form hash:salt'],
    ['wordpress', '$P$B', 'wordpress: not of the form $P$ and 31 characters'],
    ['drupal', '$S$D', 'drupal: not of the form $S$ and 52 characters'],
    ['prestashop', 'abc', 'prestashop: neither bcrypt nor MD5 in hexadecimal'],
    ['django', 'abc', 'django: not a hash of pbkdf2_sha256, pbkdf2_sha1, argon2, bcrypt or scrypt'],
    ['aspnet-identity', 'not base64!', 'aspnet-identity: the hash is not base64'],
    ['aspnet-identity', 'AgAA', 'aspnet-identity: the format marker is neither 0 nor 1'],
    ['aspnet-identity', 'AQAAAAkAACcQAAAAEAAA', 'aspnet-identity: the header of version 3 is broken'],
    ['ldap', '{SSHA}AAAA', 'ldap: {SSHA} does not have the bytes of its digest and a salt'],
    ['keycloak', '{}', 'keycloak: not a credential with secretData and credentialData'],
    ['firebase-scrypt', 'AAAA', 'firebase-scrypt: needs the column salt'],
    ['md5-salt-password', 'a'.repeat(32), 'md5-salt-password: needs the column salt'],
    ['sha1', 'xyz', 'sha1: not 40 hexadecimal characters'],
    ['devise', 'abc', 'devise: the hash names no scheme that is known here'],
  ])('a malformed hash is refused with the name of its scheme: %s %s', (scheme, hash, reason) => {
    expect(convertHash(scheme, { hash })).toMatchObject({ isAccepted: false, scheme, reason })
  })
})

describe('the scheme of a hash', () => {
  it.each([
    ['MD5 in hexadecimal', '2c4cddcba2f52bcb2e236ba98cad052b'],
    ['SHA-512 in base64', btoa('\0'.repeat(64))],
    [
      'ASP.NET Identity',
      'AQAAAAEAACcQAAAAEPDh0sO0pZaHeGlaSzwtHg8E7pujX1bF4Jo7PvT+O0sQ+2J58erMloTCgZ0I+ex6Tw==',
    ],
    ['hash, salt and a number', '9304fe6669887a7b899a078224360361c431fa025165b0de33c749d553cc0931:salt:1'],
    ['hash and salt', '757e18618b604fdb96cea29ba6c83450:aB'],
    ['a password', 'secret'],
    ['nothing', ''],
  ])('the scheme of a hash is never guessed for a hash that does not name its scheme: %s', (_case, hash) => {
    expect(convertHash(null, { hash, salt: 'salt', iterations: 5000 })).toEqual({
      isAccepted: false,
      scheme: null,
      cause: 'unknown',
      reason: 'the hash does not name its scheme, and no scheme is given',
      alternative: 'name the scheme of the hash (docs/password-hashes.md#import-schemes)',
    })
  })

  it('the scheme of a hash must have a name of the table', () => {
    expect(convertHash('rot13', { hash: 'frperg' })).toMatchObject({
      isAccepted: false,
      cause: 'unknown',
      reason: 'rot13: no scheme is named rot13',
    })
  })
})

describe('any text', () => {
  const names = [null, ...IMPORT_SCHEMES.map(({ name }) => name)]
  const hashes = HASH_VECTORS.map(({ columns }) => columns.hash)

  /** Replaces a part of a real hash. */
  const spoiled = fc
    .record({ hash: fc.constantFrom(...hashes), at: fc.nat(200), length: fc.nat(20), text: fc.string() })
    .map(({ hash, at, length, text }) => hash.slice(0, at) + text + hash.slice(at + length))

  it('any text is converted or refused by each scheme, and a sign-in can read each converted hash', () => {
    fc.assert(
      fc.property(
        fc.oneof(spoiled, fc.string()),
        fc.constantFrom(...names),
        fc.string(),
        (hash, name, salt) => {
          const conversion = convertHash(name, { hash, salt, rounds: 8, memoryCost: 10 })
          if (conversion.isAccepted) expect(readHash(conversion.stored).estimatedMs).toBeLessThan(600)
          else expect(conversion.reason).not.toBe('')
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('of more than 4096 characters is refused', () => {
    const reason = 'ldap: longer than 4096 characters'
    expect(convertHash(null, { hash: `{SSHA}${'A'.repeat(400_000)}` })).toMatchObject({
      isAccepted: false,
      reason,
    })
  })
})

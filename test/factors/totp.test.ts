import { describe, expect, it } from 'vitest'
import { qrSvg } from '../../src/factors/qr_svg.ts'
import {
  generateRecoveryCodes,
  hashRecoveryCode,
  hashRecoveryCodes,
  parseRecoveryCode,
} from '../../src/factors/recovery_code.ts'
import {
  findTotpStep,
  generateTotpSecret,
  parseTotpCode,
  totpCodeOf,
  totpStepOf,
  totpUri,
} from '../../src/factors/totp.ts'
import { encodeBase32 } from '../../src/lib/base32.ts'
import { encodeUtf8 } from '../../src/lib/bytes.ts'

/** The secret of RFC 6238 Appendix B. */
const SECRET = encodeUtf8('12345678901234567890')
const NOW = 1_111_111_109

describe('a time-based one-time password', () => {
  // The last six of the eight digits in RFC 6238 Appendix B.
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ])('the code at %i is that of RFC 6238 Appendix B', async (time, code) => {
    expect(await totpCodeOf(SECRET, totpStepOf(time))).toBe(code)
  })

  it('a code is accepted in its step and in the steps before and after it (RFC 6238 §5.2)', async () => {
    const step = totpStepOf(NOW)
    const found = [-2, -1, 0, 1, 2].map(async (drift) =>
      findTotpStep(SECRET, await totpCodeOf(SECRET, step + drift), NOW),
    )
    expect(await Promise.all(found)).toEqual([null, step - 1, step, step + 1, null])
  })

  it.each(['', '08180', '0818040', 'abcdef', '000000'])('the text %j is no code', async (code) => {
    expect(await findTotpStep(SECRET, code, NOW)).toBeNull()
  })

  it.each([
    ['123456', '123456'],
    [' 123 456\n', '123456'],
    ['12345', null],
    ['1234567', null],
    ['12345a', null],
    ['١٢٣٤٥٦', null],
  ])('the typed text %j is read as %j', (text, code) => {
    expect(parseTotpCode(text)).toBe(code)
  })

  it('the address for an app has the secret in base32 and encodes the names', () => {
    const uri = totpUri({ issuer: 'Slow: Pour', account: 'ann+1@example.com', secret: SECRET })
    expect(uri).toBe(
      'otpauth://totp/Slow%20%20Pour:ann%2B1%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Slow%20%20Pour&algorithm=SHA1&digits=6&period=30',
    )
  })

  // RFC 4648 §10, without padding.
  it.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ])('base32 of %j is %j', (text, encoded) => {
    expect(encodeBase32(encodeUtf8(text))).toBe(encoded)
  })

  it('a new secret has 160 random bits', () => {
    const secrets = Array.from({ length: 20 }, generateTotpSecret)
    expect(secrets.map(({ length }) => length)).toEqual(secrets.map(() => 20))
    expect(new Set(secrets.map(encodeBase32)).size).toBe(20)
  })
})

describe('a recovery code', () => {
  it('a user gets ten different codes of 100 random bits in groups of five characters', () => {
    const codes = generateRecoveryCodes()
    expect(codes).toHaveLength(10)
    expect(new Set(codes).size).toBe(10)
    for (const code of codes) expect(code).toMatch(/^(?:[0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$/)
  })

  it.each([
    ['0AbCd-efgh1 jk l-mn 0PQR ST', null],
    ['0abcd-efgh1-jkmnp-qrstv', '0ABCDEFGH1JKMNPQRSTV'],
    ['oABCD EFGHi JKMNP QRSTV', '0ABCDEFGH1JKMNPQRSTV'],
    ['OABCDEFGHLJKMNPQRSTV', '0ABCDEFGH1JKMNPQRSTV'],
    ['0ABCDEFGH1JKMNPQRSTU', null],
    ['0ABCDEFGH1JKMNPQRST', null],
    ['', null],
  ])('the typed text %j is read as %j', (text, code) => {
    expect(parseRecoveryCode(text)).toBe(code)
  })

  it('the same code of two users has different hashes', async () => {
    const [code = ''] = generateRecoveryCodes()
    const [hash] = await hashRecoveryCodes('user:ann', [code])
    expect(hash).toBe(await hashRecoveryCode('user:ann', parseRecoveryCode(code.toLowerCase()) ?? ''))
    expect(await hashRecoveryCodes('user:bob', [code])).not.toEqual([hash])
  })
})

describe('a QR code', () => {
  it('the QR code is an SVG of one path with a light border of four modules, and has no text of the user', async () => {
    const svg = await qrSvg('otpauth://totp/<script>?secret=GEZDGNBVGY3TQOJQ')
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 (\d+) \1" shape-rendering="crispEdges"><path fill="currentColor" d="M4 4h7v1h-7z[M\dhvz -]+"\/><\/svg>$/,
    )
  })
})

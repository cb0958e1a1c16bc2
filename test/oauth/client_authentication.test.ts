import { describe, expect, it } from 'vitest'
import { parseClientCredentials } from '../../src/oauth/client_authentication.ts'
import { invalidClient, malformedRequest, missingParameter } from '../../src/oauth/errors.ts'
import { Parameters } from '../../src/oauth/parameters.ts'

const ONE_WAY_ONLY = malformedRequest('two_authentications')
const NOT_BASE64 = invalidClient('Basic credentials are not base64 of UTF-8')
const NAMES_NO_CLIENT = invalidClient('Basic credentials have no client_id')

/** The id and the secrets, without an assertion. */
function credentialsIn(
  authorization: string | undefined,
  body: Record<string, string> = {},
  { bodyWins = false } = {},
) {
  const parameters = new Parameters(new Map(Object.entries(body)))
  const { assertion, ...credentials } = parseClientCredentials(authorization, parameters, { bodyWins })
  expect(assertion).toBe(null)
  return credentials
}

/** The same with the rule of OroCommerce. */
const oroCredentialsIn = (authorization: string | undefined, body: Record<string, string> = {}) =>
  credentialsIn(authorization, body, { bodyWins: true })

/** A Basic header with a text that is already encoded. */
const basic = (text: string, scheme = 'Basic') => `${scheme} ${btoa(text)}`

describe('client credentials in the body', () => {
  it.each([
    ['an id and a secret', { client_id: 'shop', client_secret: 's' }, { id: 'shop', secrets: ['s'] }],
    ['an id alone', { client_id: 'shop' }, { id: 'shop', secrets: [] }],
    ['an empty secret', { client_id: 'shop', client_secret: '' }, { id: 'shop', secrets: [] }],
    [
      'text with percent signs',
      { client_id: 'a:b', client_secret: '%41+' },
      { id: 'a:b', secrets: ['%41+'] },
    ],
  ])('client credentials in the body are used unchanged: %s', (_case, body, credentials) => {
    expect(credentialsIn(undefined, body)).toEqual(credentials)
  })

  it.each([
    ['nothing', {}],
    ['a secret alone', { client_secret: 's' }],
    ['an empty id', { client_id: '', client_secret: 's' }],
  ])('client credentials in the body are refused if they name no client: %s', (_case, body) => {
    expect(() => credentialsIn(undefined, body)).toThrow(missingParameter('client_id'))
  })
})

describe('an Authorization header of another scheme than Basic', () => {
  it.each([
    ['an empty header', ''],
    ['a token', 'Bearer abc'],
    ['a token that a script lost', 'Bearer null'],
    ['the scheme alone', 'Bearer'],
    ['a scheme that begins like Basic', 'Basically abc'],
    ['Digest', 'Digest username="shop"'],
  ])(
    'an Authorization header of another scheme than Basic is ignored, so the body decides: %s',
    (_case, authorization) => {
      const body = { client_id: 'shop', client_secret: 's' }
      expect(credentialsIn(authorization, body)).toEqual({ id: 'shop', secrets: ['s'] })
      expect(oroCredentialsIn(authorization, body)).toEqual({ id: 'shop', secrets: ['s'] })
      expect(() => credentialsIn(authorization)).toThrow(missingParameter('client_id'))
    },
  )
})

describe('Basic credentials', () => {
  const same = (id: string, secret: string) => ({ id, secrets: [secret, secret] })

  it.each([
    ['an id and a secret', basic('shop:s'), same('shop', 's')],
    ['the scheme in lower case', basic('shop:s', 'basic'), same('shop', 's')],
    ['the scheme in upper case', basic('shop:s', 'BASIC'), same('shop', 's')],
    ['space around them', `  Basic   ${btoa('shop:s')} `, same('shop', 's')],
    ['base64 without padding', basic('shop:s1').replace(/=+$/, ''), same('shop', 's1')],
    ['a split at the first colon alone', basic('shop:a:b:'), same('shop', 'a:b:')],
    ['UTF-8 that is not encoded', basic('shop:\xc3\xa9'), same('shop', 'é')],
    ['no secret', basic('shop:'), { id: 'shop', secrets: [] }],
    ['no colon', basic('shop'), { id: 'shop', secrets: [] }],
    [
      'halves that are form-encoded',
      basic('a%3Ab:c%25d+e%C3%A9'),
      { id: 'a:b', secrets: ['c%d eé', 'c%25d+e%C3%A9'] },
    ],
    ['a broken percent sequence in the id', basic('%zz:s'), same('%zz', 's')],
    ['a broken percent sequence in the secret', basic('shop:100%'), same('shop', '100%')],
    ['a percent sequence that is not UTF-8', basic('shop:%ff'), same('shop', '%ff')],
  ])(
    'Basic credentials give two readings of the secret, form-decoded (RFC 6749 §2.3.1) and raw: %s',
    (_case, authorization, credentials) => {
      expect(credentialsIn(authorization)).toEqual(credentials)
    },
  )

  it.each([
    ['a text that is not base64', 'Basic !!!', NOT_BASE64],
    ['base64 of half a character', 'Basic c2hvcDrD', NOT_BASE64],
    ['base64 of an impossible length', 'Basic c2hvc', NOT_BASE64],
    ['the scheme alone', 'Basic', NAMES_NO_CLIENT],
    ['no id', basic(':s'), NAMES_NO_CLIENT],
  ])('malformed Basic credentials are refused with invalid_client: %s', (_case, authorization, refusal) => {
    expect(() => credentialsIn(authorization)).toThrow(refusal)
  })
})

describe('Basic credentials with parameters in the body', () => {
  it('Basic credentials may come with the same client_id in the body', () => {
    for (const client_id of ['shop', '']) {
      const credentials = credentialsIn(basic('shop:s'), { client_id, client_secret: '' })
      expect(credentials).toEqual({ id: 'shop', secrets: ['s', 's'] })
    }
  })

  it.each([
    ['another secret', { client_secret: 'other' }],
    ['the same secret', { client_id: 'shop', client_secret: 's' }],
    ['another client_id', { client_id: 'other' }],
  ])(
    'Basic credentials and credentials in the body together are refused (RFC 6749 §2.3): %s',
    (_case, body) => {
      expect(() => credentialsIn(basic('shop:s'), body)).toThrow(ONE_WAY_ONLY)
    },
  )

  it.each([
    ['id and secret', { client_id: 'a', client_secret: 'b' }, { id: 'a', secrets: ['b'] }],
    ['the id', { client_id: 'a' }, { id: 'a', secrets: ['s', 's'] }],
    ['the secret', { client_secret: 'b' }, { id: 'shop', secrets: ['b'] }],
    ['nothing', {}, { id: 'shop', secrets: ['s', 's'] }],
  ])(
    'the body has priority over Basic credentials under the rule of OroCommerce: %s',
    (_case, body, credentials) => {
      expect(oroCredentialsIn(basic('shop:s'), body)).toEqual(credentials)
    },
  )

  it('the rule of OroCommerce ignores Basic credentials if the body has both', () => {
    const body = { client_id: 'a', client_secret: 'b' }
    expect(oroCredentialsIn('Basic !!!', body)).toEqual({ id: 'a', secrets: ['b'] })
  })
})

import { describe, expect, it } from 'vitest'
import { parseClientCredentials } from '../../src/oauth/client_authentication.ts'
import { invalidClient, malformedRequest, missingParameter } from '../../src/oauth/errors.ts'
import { Parameters } from '../../src/oauth/parameters.ts'

const ONE_WAY_ONLY = malformedRequest('The client must authenticate in one way only.')
const NOT_BASIC = invalidClient('Authorization is not of the Basic scheme')
const NOT_BASE64 = invalidClient('Basic credentials are not base64 of UTF-8')
const NAMES_NO_CLIENT = invalidClient('Basic credentials name no client')
const BROKEN_PERCENT = invalidClient('Basic credentials have a broken percent sequence')

const credentialsIn = (authorization: string | null, body: Record<string, string> = {}) =>
  parseClientCredentials(authorization, new Parameters(new Map(Object.entries(body))))

/** Basic credentials of a text that is encoded as far as it shall be. */
const basic = (text: string, scheme = 'Basic') => `${scheme} ${btoa(text)}`

describe('client credentials in the body', () => {
  it.each([
    ['an id and a secret', { client_id: 'shop', client_secret: 's' }, { id: 'shop', secret: 's' }],
    ['an id alone', { client_id: 'shop' }, { id: 'shop', secret: null }],
    [
      'an empty secret, which is none',
      { client_id: 'shop', client_secret: '' },
      { id: 'shop', secret: null },
    ],
    ['text as it stands', { client_id: 'a:b', client_secret: '%41+' }, { id: 'a:b', secret: '%41+' }],
  ])('are read: %s', (_case, body, credentials) => {
    expect(credentialsIn(null, body)).toEqual(credentials)
  })

  it.each([
    ['nothing', {}],
    ['a secret alone', { client_secret: 's' }],
    ['an empty id', { client_id: '', client_secret: 's' }],
  ])('are refused where they name no client: %s', (_case, body) => {
    expect(() => credentialsIn(null, body)).toThrow(missingParameter('client_id'))
  })
})

describe('Basic credentials', () => {
  it.each([
    ['an id and a secret', basic('shop:s'), { id: 'shop', secret: 's' }],
    ['the scheme in lower case', basic('shop:s', 'basic'), { id: 'shop', secret: 's' }],
    ['the scheme in upper case', basic('shop:s', 'BASIC'), { id: 'shop', secret: 's' }],
    ['space around them', `  Basic   ${btoa('shop:s')} `, { id: 'shop', secret: 's' }],
    ['base64 without padding', basic('shop:s1').replace(/=+$/, ''), { id: 'shop', secret: 's1' }],
    ['a split at the first colon alone', basic('shop:a:b:'), { id: 'shop', secret: 'a:b:' }],
    ['both halves form-decoded', basic('a%3Ab:c%25d+e%C3%A9'), { id: 'a:b', secret: 'c%d eé' }],
    ['UTF-8 that is not encoded', basic('shop:\xc3\xa9'), { id: 'shop', secret: 'é' }],
    ['no secret', basic('shop:'), { id: 'shop', secret: null }],
    ['no colon', basic('shop'), { id: 'shop', secret: null }],
  ])('are read (RFC 6749 §2.3.1): %s', (_case, authorization, credentials) => {
    expect(credentialsIn(authorization)).toEqual(credentials)
  })

  it.each([
    ['an empty header', '', NOT_BASIC],
    ['another scheme', 'Bearer abc', NOT_BASIC],
    ['a scheme that begins like Basic', 'Basically abc', NOT_BASIC],
    ['what is not base64', 'Basic !!!', NOT_BASE64],
    ['base64 of half a character', 'Basic c2hvcDrD', NOT_BASE64],
    ['base64 of an impossible length', 'Basic c2hvc', NOT_BASE64],
    ['the scheme alone', 'Basic', NAMES_NO_CLIENT],
    ['no id', basic(':s'), NAMES_NO_CLIENT],
    ['a broken percent sequence in the id', basic('%zz:s'), BROKEN_PERCENT],
    ['a broken percent sequence in the secret', basic('shop:100%'), BROKEN_PERCENT],
    ['a percent sequence that is not UTF-8', basic('shop:%ff'), BROKEN_PERCENT],
  ])('are refused as invalid_client where they are broken: %s', (_case, authorization, refusal) => {
    expect(() => credentialsIn(authorization)).toThrow(refusal)
  })
})

describe('Basic credentials beside parameters of the body', () => {
  it('agree with the same client_id', () => {
    expect(credentialsIn(basic('shop:s'), { client_id: 'shop' })).toEqual({ id: 'shop', secret: 's' })
    expect(credentialsIn(basic('shop:s'), { client_id: '', client_secret: '' })).toEqual({
      id: 'shop',
      secret: 's',
    })
  })

  it.each([
    ['another secret', { client_secret: 'other' }],
    ['the same secret', { client_id: 'shop', client_secret: 's' }],
    ['another client_id', { client_id: 'other' }],
  ])('are two ways of authenticating, and refused (RFC 6749 §2.3): %s', (_case, body) => {
    expect(() => credentialsIn(basic('shop:s'), body)).toThrow(ONE_WAY_ONLY)
  })
})

import { describe, expect, it } from 'vitest'
import { invalidScope } from '../../src/oauth/errors.ts'
import { formatScope, grantScope, parseScope, SCOPE_TOKEN } from '../../src/oauth/scope.ts'

describe('a scope', () => {
  it.each([
    ['cart', ['cart']],
    ['orders cart', ['orders', 'cart']],
    ['cart orders cart', ['cart', 'orders']],
    [' cart  orders ', ['cart', 'orders']],
    ['Cart cart', ['Cart', 'cart']],
    ['', []],
  ])('a scope is read as its tokens, each once and in order: %j', (text, tokens) => {
    expect(parseScope(text)).toEqual(tokens)
  })

  it('a formatted scope has one space between the tokens', () => {
    expect(formatScope(['cart', 'orders'])).toBe('cart orders')
    expect(formatScope([])).toBe('')
  })

  it('a scope token has printable ASCII without space, quote or backslash (RFC 6749 §3.3)', () => {
    const allowed = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter((character) =>
      SCOPE_TOKEN.test(character),
    )
    expect(allowed.join('')).toBe(
      "!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~",
    )
    expect(SCOPE_TOKEN.test('orders:read')).toBe(true)
    for (const text of ['', 'a b', 'a"', 'a\\', 'a\n', 'é']) expect(SCOPE_TOKEN.test(text)).toBe(false)
  })
})

describe('the granted scope', () => {
  const allowed = ['cart', 'orders', 'catalog']

  it.each([
    ['every allowed token, announced, without a requested scope', null, allowed, true],
    ['the requested token', 'orders', ['orders'], false],
    ['the requested tokens in their order', 'orders cart', ['orders', 'cart'], false],
    ['each token once, announced', 'cart cart', ['cart'], true],
    ['tokens without surplus space, announced', 'cart  orders', ['cart', 'orders'], true],
  ])('the granted scope is %s', (_case, asked, tokens, announce) => {
    expect(grantScope(asked, allowed)).toEqual({ tokens, announce })
  })

  it('the granted scope is empty and not announced if nothing is requested and nothing is allowed', () => {
    expect(grantScope(null, [])).toEqual({ tokens: [], announce: false })
  })

  it.each([' ', '   '])('a requested scope of spaces is refused: %j', (asked) => {
    expect(() => grantScope(asked, allowed)).toThrow(invalidScope('the scope has only spaces'))
  })

  it.each([
    ['an unknown token', 'admin', allowed, 1],
    ['one token too many', 'cart admin', allowed, 1],
    ['two tokens too many', 'admin root cart', allowed, 2],
    ['another case', 'CART', allowed, 1],
    ['any token for a client without scopes', 'cart', [], 1],
    ['several tokens in one', 'cart,orders', allowed, 1],
  ])(
    'the granted scope is refused, and the log counts but does not repeat it: %s',
    (_case, asked, allowedNow, count) => {
      expect(() => grantScope(asked, allowedNow)).toThrow(
        invalidScope(`${count} of the requested scope tokens are not allowed`),
      )
    },
  )

  it('granting does not change the list of allowed scopes', () => {
    const list = ['cart']
    grantScope(null, list).tokens.push('admin')
    expect(list).toEqual(['cart'])
  })
})

import { describe, expect, it } from 'vitest'
import {
  findRedirectUri,
  findRedirectUriProblem,
  kindOfRedirect,
  withoutLoopbackPort,
} from '../../src/clients/redirect_uri.ts'
import { findLinkProblem, findLogoProblem, MAX_LOGO_CHARACTERS } from '../../src/lib/page_links.ts'

const LENGTH = 'must be a URI of 1 to 1024 characters'
const CHARACTERS = 'must have only the characters of a URI in ASCII, and no "*"'
const ESCAPES = 'must have two hex digits after each "%", and no escaped control character'
const ABSOLUTE = 'must be an absolute URI, such as https://shop.example.com/callback'
const USERINFO = 'must not have a username or a password'
const NORMAL =
  'must be in normal form: scheme and host in lower case, no default port, no "." or ".." in the path'
const FRAGMENT = 'must not have a fragment (RFC 6749 §3.1.2)'
const SCHEME =
  'must be https, http to 127.0.0.1, [::1] or localhost, or a scheme with a dot, such as com.example.app:/callback'

const VALID: [uri: string, kind: 'web' | 'loopback' | 'private'][] = [
  ['https://shop.example.com/callback', 'web'],
  ['https://shop.example.com', 'web'],
  ['https://shop.example.com:8443/a/b?shop=1&x=%2F', 'web'],
  ['https://xn--bcher-kva.example/callback', 'web'],
  ['http://127.0.0.1/callback', 'loopback'],
  ['http://127.0.0.1:33418/', 'loopback'],
  ['http://[::1]:8080/callback', 'loopback'],
  ['http://localhost/callback', 'loopback'],
  ['https://localhost:8443/callback', 'loopback'],
  ['com.example.app:/callback', 'private'],
  ['com.example.app://callback', 'private'],
]

const INVALID: [uri: string, problem: string][] = [
  ['', LENGTH],
  [`https://shop.example.com/${'a'.repeat(1000)}`, LENGTH],
  ['https://*.example.com/callback', CHARACTERS],
  ['https://shop.example.com/*', CHARACTERS],
  ['https:\\\\evil.example', CHARACTERS],
  ['https://shop.example.com\\@evil.example', CHARACTERS],
  ['https://shop.example.com\\.evil.example', CHARACTERS],
  ['https://shop.example.com/a b', CHARACTERS],
  [' https://shop.example.com', CHARACTERS],
  ['https://shop.exa\tmple.com', CHARACTERS],
  ['https://shop.example.com\r\nLocation: https://evil.example', CHARACTERS],
  ['https://shop.example.com/\0', CHARACTERS],
  ['https://ѕhop.example.com/callback', CHARACTERS],
  ['https://shop。example.com/callback', CHARACTERS],
  ['https://shop.example.com/\u202Ekcabllac', CHARACTERS],
  ['https://shop.example.com/%', ESCAPES],
  ['https://shop.example.com/%0d%0aLocation:x', ESCAPES],
  ['https://shop.example.com/%00', ESCAPES],
  ['//evil.example', ABSOLUTE],
  ['/callback', ABSOLUTE],
  ['callback', ABSOLUTE],
  ['https%3A%2F%2Fshop.example.com', ABSOLUTE],
  ['https://', ABSOLUTE],
  ['https://shop.example.com%2f.evil.example', ABSOLUTE],
  ['https://shop.example.com:99999/callback', ABSOLUTE],
  ['https://shop.example.com@evil.example', USERINFO],
  ['https://shop.example.com:secret@evil.example/', USERINFO],
  ['com.example.app://shop.example.com@evil/', USERINFO],
  ['https://@evil.example/', NORMAL],
  ['https:evil.example', NORMAL],
  ['https:/evil.example', NORMAL],
  ['https:///evil.example', NORMAL],
  ['HTTPS://shop.example.com/', NORMAL],
  ['https://SHOP.example.com/', NORMAL],
  ['https://shop.example.com:443/', NORMAL],
  ['https://shop.example.com:08443/', NORMAL],
  ['https://shop.example.com/a/../callback', NORMAL],
  ['https://shop.example.com/%2e%2e/callback', NORMAL],
  ['https://shop%2eexample.com/', NORMAL],
  ['http://127.1/callback', NORMAL],
  ['http://2130706433/callback', NORMAL],
  ['http://[0:0:0:0:0:0:0:1]/callback', NORMAL],
  ['https://shop.example.com/callback#', FRAGMENT],
  ['https://shop.example.com/#/callback', FRAGMENT],
  ['com.example.app:/callback#x', FRAGMENT],
  ['http://shop.example.com/callback', SCHEME],
  ['http://127.0.0.1.evil.example/callback', SCHEME],
  ['http://localhost.evil.example/callback', SCHEME],
  ['http://127.0.0.2/callback', SCHEME],
  ['http://10.0.0.1/callback', SCHEME],
  ['javascript:alert(1)', SCHEME],
  ['javascript://shop.example.com/%250Aalert(1)', SCHEME],
  ['data:text/html,x', SCHEME],
  ['vbscript:x', SCHEME],
  ['blob:https://shop.example.com/1', SCHEME],
  ['file:///etc/passwd', SCHEME],
  ['about:blank', SCHEME],
  ['ftp://shop.example.com/', SCHEME],
  ['ws://127.0.0.1/', SCHEME],
  ['myapp:/callback', SCHEME],
  ['com.example.app:', SCHEME],
  ['com.example.app:callback', SCHEME],
  ['.:/callback', ABSOLUTE],
]

describe('the rule for redirect URIs', () => {
  it.each(VALID)('the rule for redirect URIs accepts exact URIs, each of one kind: %s', (uri, kind) => {
    expect([findRedirectUriProblem(uri), kindOfRedirect(uri)]).toEqual([null, kind])
  })

  it.each(INVALID)(
    'the rule for redirect URIs refuses wildcards, lookalikes and texts that a browser would change: %j',
    (uri, problem) => {
      expect(findRedirectUriProblem(uri)).toBe(problem)
    },
  )
})

describe('the look-up of a redirect URI', () => {
  const redirectUris = [
    'https://shop.example.com/callback',
    'https://127.0.0.1:8443/callback',
    'http://127.0.0.1/callback',
    'http://[::1]:8080/callback?x=1',
    'http://localhost',
    'com.example.app:/callback',
  ]

  it.each([
    ...redirectUris,
    'http://127.0.0.1:1/callback',
    'http://127.0.0.1:65535/callback',
    'http://[::1]/callback?x=1',
    'http://[::1]:9000/callback?x=1',
    'http://localhost:3000',
  ])('the look-up of a redirect URI finds the exact URI, and any port of a loopback host: %s', (uri) => {
    expect(findRedirectUri({ redirectUris }, uri)).toBe(uri)
  })

  it.each([
    '',
    'https://shop.example.com/callback/',
    'https://shop.example.com/callback?',
    'https://shop.example.com/callback#',
    'https://shop.example.com/Callback',
    'https://shop.example.com:443/callback',
    'https://shop.example.com:8443/callback',
    'https://SHOP.example.com/callback',
    'https://shop.example.com/callback/../callback',
    'https://shop.example.com.evil.example/callback',
    'https://shop.example.com@evil.example/callback',
    'http://shop.example.com/callback',
    'https://127.0.0.1:8444/callback',
    'https://127.0.0.1/callback',
    'http://127.0.0.1:0/callback',
    'http://127.0.0.1:080/callback',
    'http://127.0.0.1:65536/callback',
    'http://127.0.0.1:/callback',
    'http://127.0.0.1:80@evil.example/callback',
    'http://127.0.0.1:8080.evil.example/callback',
    'http://127.0.0.1:8080\\@evil.example/callback',
    'http://127.0.0.2:8080/callback',
    'http://localhost:8080/callback',
    'http://localhost:3000/',
    'http://localhost.:3000',
    'com.example.app:/callback/',
    'com.example.app://callback',
  ])('the look-up of a redirect URI refuses every other text: %j', (uri) => {
    expect(findRedirectUri({ redirectUris }, uri)).toBeNull()
  })

  it('a request without a redirect URI uses the only one of the client', () => {
    const [only = ''] = redirectUris
    expect(findRedirectUri({ redirectUris: [only] }, null)).toBe(only)
    expect(findRedirectUri({ redirectUris }, null)).toBeNull()
    expect(findRedirectUri({ redirectUris: [] }, null)).toBeNull()
  })

  it('the URI of a consent has no loopback port', () => {
    expect(withoutLoopbackPort('http://127.0.0.1:33418/callback')).toBe('http://127.0.0.1/callback')
    expect(withoutLoopbackPort('http://[::1]:1')).toBe('http://[::1]')
    expect(withoutLoopbackPort('https://shop.example.com:8443/a')).toBe('https://shop.example.com:8443/a')
  })
})

describe('the links of a client', () => {
  it.each([
    ['https://partner.example/terms#section', null],
    ['http://127.0.0.1/terms', 'must be https'],
    ['javascript:alert(1)', 'must be https'],
    ['https://partner.example@evil.example/', USERINFO],
    ['//evil.example/terms', ABSOLUTE],
  ])('a link of a client is an https URI: %s', (uri, problem) => {
    expect(findLinkProblem(uri)).toBe(problem)
  })

  const LOGO =
    'must be data:image/png, image/svg+xml or image/webp in base64, or a path such as /logos/partner.svg'
  it.each([
    ['data:image/png;base64,iVBORw0KGgo=', null],
    ['data:image/svg+xml;base64,PHN2Zz4=', null],
    ['data:image/webp;base64,UklGRg==', null],
    ['/logos/partner.svg', null],
    ['/a.png', null],
    ['https://partner.example/logo.png', LOGO],
    ['//evil.example/logo.png', LOGO],
    ['/\\evil.example/logo.png', LOGO],
    ['/../logo.png', LOGO],
    ['/oauth2-token/logout', LOGO],
    ['/oauth2-token/logout?x=.png', LOGO],
    ['logo.png', LOGO],
    ['data:text/html;base64,PHN2Zz4=', LOGO],
    ['data:image/svg+xml,<svg onload="alert(1)">', LOGO],
    ['data:image/png;base64,"><script>', LOGO],
    [
      `data:image/png;base64,${'A'.repeat(MAX_LOGO_CHARACTERS)}`,
      `must have at most ${MAX_LOGO_CHARACTERS} characters`,
    ],
  ])('a logo of a client is an image inside its record, or on this server: %s', (uri, problem) => {
    expect(findLogoProblem(uri)).toBe(problem)
  })
})

import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { GROUNDS } from '../../src/config/branding_schema.ts'
import { parseConfig } from '../../src/config/parse_config.ts'
import { ConfigError } from '../../src/config/read_settings.ts'
import { LANGUAGES } from '../../src/lib/language.ts'
import style from '../../src/pages/style.css'

function parseShop(changes: Record<string, unknown>) {
  const shop = {
    audience: 'https://shop.test/api',
    users: 'customers',
    scopes: ['cart', 'orders'],
    ...changes,
  }
  return parseConfig(stringify({ issuer: 'https://id.shop.test', apis: { shop } })).apis.get('shop')
}

function problemsOf(changes: Record<string, unknown>): string[] {
  try {
    parseShop(changes)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('the branding of an API in config.yml', () => {
  it('the branding of an API can set a name, a logo, colors, links and texts', () => {
    const branding = {
      name: 'Corner Shop',
      logo: '/logos/corner-shop.svg',
      colors: { light: '#0a5c36', dark: '#6FD3A0' },
      links: { privacy: 'https://shop.test/privacy', help: 'https://shop.test/help' },
      texts: { sign_in: { de: 'Mit der Kundennummer' }, username: 'Email address' },
    }
    expect(
      parseShop({ branding, scope_texts: { cart: { en: 'Your cart', de: 'Warenkorb' } } }),
    ).toMatchObject({
      branding: {
        name: 'Corner Shop',
        logo: '/logos/corner-shop.svg',
        colors: { light: '#0a5c36', dark: '#6FD3A0' },
        links: { privacy: 'https://shop.test/privacy', terms: null, help: 'https://shop.test/help' },
        texts: { signIn: { de: 'Mit der Kundennummer' }, username: 'Email address' },
      },
      scopeTexts: new Map([['cart', { en: 'Your cart', de: 'Warenkorb' }]]),
    })
  })

  it.each([
    [{ branding: { name: '' } }, 'branding.name: must be a name of 1 to 60 characters'],
    [
      { branding: { logo: 'https://cdn.test/logo.svg' } },
      'branding.logo: must be data:image/png, image/svg+xml or image/webp in base64, or a path such as /logos/partner.svg',
    ],
    [{ branding: { colors: { light: 'green' } } }, 'branding.colors.light: must be a color such as #1f5fa8'],
    [
      { branding: { colors: { light: '#7fb5f0' } } },
      'branding.colors.light: must have a contrast of at least 4.5:1 to the ground #f6f7f8; #7fb5f0 has 2:1',
    ],
    [
      { branding: { colors: { dark: '#1f5fa8' } } },
      'branding.colors.dark: must have a contrast of at least 4.5:1 to the ground #191c1f; #1f5fa8 has 2.6:1',
    ],
    [{ branding: { links: { terms: 'http://shop.test/terms' } } }, 'branding.links.terms: must be https'],
    [{ branding: { links: { terms: 'javascript:alert(1)' } } }, 'branding.links.terms: must be https'],
    [{ branding: { texts: { sign_in: 'a\nb' } } }, 'branding.texts.sign_in: must be one line of text'],
    [
      { branding: { texts: { sign_in: {} } } },
      `branding.texts.sign_in: must be a text, or a mapping of languages (${LANGUAGES.join(', ')}) to texts`,
    ],
    [
      { branding: { texts: { username: { xx: 'a' } } } },
      `branding.texts.username: must be a text, or a mapping of languages (${LANGUAGES.join(', ')}) to texts`,
    ],
    [{ scope_texts: { users: 'Users' } }, 'scope_texts: must have only scopes of this API'],
    [{ scope_texts: { cart: 'x'.repeat(121) } }, 'scope_texts.cart: must have at most 120 characters'],
  ])('config.yml is refused with %j', (changes, problem) => {
    expect(problemsOf(changes)).toContain(`apis.shop.${problem}`)
  })

  it('the contrast of a color is measured against the grounds of the stylesheet', () => {
    expect(style).toContain(`--ground: light-dark(${GROUNDS.light},`)
    expect(style).toContain(`, ${GROUNDS.dark});\n  --ink`)
  })
})

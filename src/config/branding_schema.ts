import * as z from 'zod/mini'
import { contrastOf } from '../lib/contrast.ts'
import { findLinkProblem, findLogoProblem, MAX_LOGO_CHARACTERS } from '../lib/page_links.ts'
import { check } from './checks.ts'
import { mapping, optionalKey, type ValuesOf } from './key.ts'
import { localText } from './local_text_schema.ts'

/** The grounds on which a page shows the accent color (src/pages/style.css). Both are the ones with the least contrast. */
export const GROUNDS = { light: '#f6f7f8', dark: '#191c1f' } as const

/** The smallest contrast of text (WCAG 2.2, success criterion 1.4.3). */
const MIN_CONTRAST = 4.5

const brandName = check(
  z
    .string('must be a name')
    .check(z.regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,60}$/u, 'must be a name of 1 to 60 characters')),
  { bounds: '1 to 60 characters' },
)

const logo = check(
  z.string('must be the address of an image').check(
    z.refine((uri) => findLogoProblem(uri) === null, {
      error: ({ input }) => findLogoProblem(String(input)),
    }),
  ),
  {
    bounds: `a path of this origin that ends in \`.png\`, \`.svg\` or \`.webp\`, or a data URI of up to ${MAX_LOGO_CHARACTERS} characters`,
  },
)

const link = check(
  z.string('must be an https URL').check(
    z.refine((uri) => findLinkProblem(uri) === null, {
      error: ({ input }) => findLinkProblem(String(input)),
    }),
  ),
  { bounds: 'an https URL', unit: 'URI' },
)

function color(ground: string) {
  return check(
    z.string('must be a color').check(
      z.regex(/^#[0-9a-f]{6}$/i, 'must be a color such as #1f5fa8'),
      z.refine((value) => !hasTooLittleContrast(value, ground), {
        error: ({ input }) => describeContrast(String(input), ground),
      }),
    ),
    { bounds: `\`#rrggbb\`, contrast of at least ${MIN_CONTRAST}:1 to ${ground}` },
  )
}

/** False for a text that is not a color, because another check reports it. */
function hasTooLittleContrast(value: string, ground: string): boolean {
  return contrastOf(value, ground) < MIN_CONTRAST
}

function describeContrast(value: string, ground: string): string {
  // Rounded down, so that a refused color never seems to have enough contrast.
  const contrast = Math.floor(contrastOf(value, ground) * 10) / 10
  return `must have a contrast of at least ${MIN_CONTRAST}:1 to the ground ${ground}; ${value} has ${contrast}:1`
}

const colors = mapping({
  light: optionalKey('light', {
    check: color(GROUNDS.light),
    absent: 'blue',
    description: 'The color of buttons and links on a light ground',
  }),
  dark: optionalKey('dark', {
    check: color(GROUNDS.dark),
    absent: 'light blue',
    description: 'The color of buttons and links on a dark ground',
  }),
})

const links = mapping({
  privacy: optionalKey('privacy', { check: link, absent: 'no link', description: 'The privacy policy' }),
  terms: optionalKey('terms', { check: link, absent: 'no link', description: 'The terms of use' }),
  help: optionalKey('help', {
    check: link,
    absent: 'no link',
    description: 'Help with signing in. Error pages link to it too',
  }),
})

const texts = mapping({
  signIn: optionalKey('sign_in', {
    check: localText(200),
    absent: 'no sentence',
    description: 'A sentence below the heading of the sign-in page',
  }),
  username: optionalKey('username', {
    check: localText(40),
    absent: '"Username" in the language of the page',
    description: 'The label of the username, such as "Email address"',
  }),
})

const keysOfBranding = {
  name: optionalKey('name', {
    check: brandName,
    absent: 'Sallyport',
    description: 'The name on the pages',
  }),
  logo: optionalKey('logo', {
    check: logo,
    absent: 'no logo',
    description: 'The image before the name. It is also the icon of the browser tab',
  }),
  colors: optionalKey('colors', {
    check: colors,
    absent: 'the colors of Sallyport',
    description: 'The accent color',
  }),
  links: optionalKey('links', { check: links, absent: 'no links', description: 'The links below the card' }),
  texts: optionalKey('texts', { check: texts, absent: 'the texts of Sallyport', description: 'Own texts' }),
}

/** How the pages of an API look. */
export type Branding = ValuesOf<typeof keysOfBranding>

export const branding = mapping(keysOfBranding)

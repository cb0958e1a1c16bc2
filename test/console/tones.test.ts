import { describe, expect, it } from 'vitest'
import { AUDIT_KINDS } from '../../src/audit/audit_event.ts'
import { toneOf } from '../../src/console/events.tsx'
import { formatDistance, formatSpan } from '../../src/console/format.ts'
import { LastUse } from '../../src/console/parts.tsx'
import { stateOf } from '../../src/console/sessions_page.tsx'
import { EVENT_TONES, STATES } from '../../src/console/tones.tsx'
import style from '../../src/pages/style.css'

/** The names of a table by tone. */
function byTone(entries: readonly (readonly [name: string, tone: string])[]) {
  return Object.fromEntries(
    ['good', 'warn', 'bad', 'plain'].map((tone) => [
      tone,
      entries.filter((entry) => entry[1] === tone).map(([name]) => name),
    ]),
  )
}

const VARIABLES = new Map(
  [...style.matchAll(/--([\w-]+): (#\w{6});/g)].map(([, name = '', color = '']) => [name, color]),
)

/** The value of a variable of the stylesheet. @param scheme 0 is light, 1 is dark */
function colorOf(name: string, scheme: number): string {
  // A color that a brand replaces is a variable of its own.
  const plain = style.replace(/var\(--([\w-]+)\)/g, (use, variable) => VARIABLES.get(variable) ?? use)
  const colors = new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(plain) ?? []
  return colors[scheme + 1] ?? ''
}

function contrastOf(text: string, ground: string): number {
  const [dark = 0, light = 0] = [luminanceOf(text), luminanceOf(ground)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

/** The relative luminance of WCAG 2.2. */
function luminanceOf(color: string): number {
  const [red = Number.NaN, green = Number.NaN, blue = Number.NaN] = [1, 3, 5].map((start) => {
    const value = Number.parseInt(color.slice(start, start + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

describe('the badges of the console', () => {
  it('a state is green if it is good, amber if it is locked, red for theft, and grey if it ended normally', () => {
    expect(byTone(Object.entries(STATES).map(([name, [tone]]) => [name, tone]))).toEqual({
      good: ['enabled', 'live', 'signing'],
      warn: ['locked', 'password-change', 'deletion-scheduled', 'confusable-name'],
      bad: ['breached-password', 'theft', 'compromised'],
      plain: ['disabled', 'ended', 'revoked', 'expired', 'retired', 'next-key', 'verifying'],
    })
  })

  it('an event is amber for a lock or a retry, red for theft or a refusal, and grey for a normal end', () => {
    expect(byTone(Object.entries(EVENT_TONES))).toEqual({
      good: ['issue', 'browser_sign_in', 'step_sign_in', 'sign_up', 'refresh'],
      warn: ['retry', 'lock', 'unchecked_password'],
      bad: ['sign_in_failure', 'refresh_refused', 'code_refused', 'theft', 'breached_password'],
      plain: ['merge', 'revoke', 'cut_off', 'rehash', 'factor', 'notification', 'account', 'key', 'admin'],
    })
  })

  it.each(AUDIT_KINDS)('a refused event of the kind %s is red', (kind) => {
    expect(toneOf({ kind, outcome: 'refused' })).toBe('bad')
    expect(toneOf({ kind, outcome: 'ok' })).toBe(EVENT_TONES[kind])
  })

  it('a session that ended by a replayed refresh token or authorization code is a theft', () => {
    for (const end_reason of ['replayed refresh token', 'replayed authorization code'])
      expect(stateOf({ state: 'ended', end_reason })).toBe('theft')
    expect(stateOf({ state: 'ended', end_reason: 'ended by an operator' })).toBe('ended')
    expect(stateOf({ state: 'cut_off', end_reason: null })).toBe('revoked')
  })

  it.each([
    ['good', 'good-ground'],
    ['warn', 'warn-ground'],
    ['bad', 'bad-ground'],
    ['ink', 'plain-ground'],
    ['soft', 'ground'],
    ['soft', 'panel'],
    ['accent', 'ground'],
    ['accent', 'panel'],
  ])(
    'the text colour %s has a contrast of at least 4.5 on %s, in light and dark (WCAG 2.2 §1.4.3)',
    (text, ground) => {
      for (const scheme of [0, 1])
        expect(contrastOf(colorOf(text, scheme), colorOf(ground, scheme))).toBeGreaterThanOrEqual(4.5)
    },
  )
})

describe('durations', () => {
  it.each([
    [0, '0 seconds'],
    [1, '1 second'],
    [300, '5 minutes'],
    [3600, '1 hour'],
    [5400, '1 hour 30 minutes'],
    [90_061, '1 day 1 hour'],
    [2_592_000, '30 days'],
    [31_536_000, '365 days'],
  ])('a duration of %i seconds reads %s', (seconds, text) => {
    expect(formatSpan(seconds)).toBe(text)
  })

  it.each([
    [null, 'Never'],
    [0, 'within the last hour'],
    [3599, 'within the last hour'],
    [3600, '1 hour ago'],
    [180_000, '2 days ago'],
  ])('a last use that is %s seconds old reads %s, because it is precise to an hour', (age, text) => {
    const now = 1_700_000_000
    const html = String(LastUse({ at: age === null ? null : now - age, now }))
    expect(html.replaceAll(/<[^>]+>/g, '')).toBe(text)
    expect(html.match(/title="[^"]*"/g) ?? []).toSatisfy((titles: string[]) =>
      titles.every((title) => title.endsWith(':00:00 UTC"')),
    )
  })

  it.each([
    [30, 'just now'],
    [-30, 'in a moment'],
    [200, '3 minutes ago'],
    [-3700, 'in 1 hour'],
    [180_000, '2 days ago'],
  ])('a time that is %i seconds old reads %s', (age, text) => {
    expect(formatDistance(1_700_000_000 - age, 1_700_000_000)).toBe(text)
  })
})

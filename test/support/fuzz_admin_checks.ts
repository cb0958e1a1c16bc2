import { findLocale } from '@sallyport/formats/locale'
import { expect } from 'vitest'
import { PROBLEMS, type ProblemCode } from '../../src/admin/problem.ts'
import type { Exchange } from './fuzz_server.ts'
import { CANARY } from './fuzz_text.ts'

const TYPE = 'urn:problem-type:sallyport:'

/** Checks the rules for every response of the admin API. */
export function checkAdminAnswer(exchange: Exchange): void {
  const { status, headers, text, request } = exchange
  expect(headers.get('Cache-Control')).toBe('no-store, no-transform')
  expect(headers.has('Access-Control-Allow-Origin')).toBe(false)
  expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
  if (status === 421) checkMisdirected(exchange)
  else if (status >= 400) checkProblem(exchange)
  else {
    expect([200, 201, 204]).toContain(status)
    expect(headers.get('Content-Type')).toBe(status === 204 ? null : 'application/json')
    if (status !== 204 && request.method !== 'HEAD') JSON.parse(text)
  }
  checkAdminLog(exchange)
}

/** A request to another host is refused before the admin API, in the form of the other endpoints. */
function checkMisdirected({ headers, text, request }: Exchange): void {
  expect(headers.get('Content-Type')).toBe('application/json; charset=UTF-8')
  if (request.method !== 'HEAD') expect(JSON.parse(text)).toMatchObject({ error: 'invalid_request' })
}

/** Checks that a problem is documented, was caused by the request, and repeats only the names of invalid fields. */
function checkProblem({ status, headers, text, request }: Exchange): void {
  expect(headers.get('Content-Type')).toBe('application/problem+json')
  expect(status).toBeLessThan(500)
  if (request.method === 'HEAD') return
  const { errors = [], ...problem } = JSON.parse(text)
  expect(problem.type.startsWith(TYPE)).toBe(true)
  const [documented, title] = PROBLEMS[problem.type.slice(TYPE.length) as ProblemCode]
  expect([problem.status, status, problem.title]).toEqual([documented, documented, title])
  for (const error of errors) expect(Object.keys(error)).toEqual(['path', 'message'])
  const messages = errors.map(({ message }: { message: string }) => message)
  expect([JSON.stringify(problem), ...messages, ...[...headers].flat()].join('\n')).not.toContain(CANARY)
}

/** Checks the log: one line with the status for a refusal, none for a success, and no part of the request. */
function checkAdminLog({ status, lines }: Exchange): void {
  const logged = lines.map((line) => JSON.parse(line))
  const expected = status < 400 ? [] : [['info', status === 421 ? 'refused' : 'admin_refused', status]]
  expect(logged.map(({ level, event, status: ofLine }) => [level, event, ofLine])).toEqual(expected)
  expect(lines.join('\n')).not.toContain(CANARY)
}

/** Checks that accepted values are stored unchanged. A username is stored in its normalised form. */
export function checkKept({ request, status, text }: Exchange): void {
  if (status >= 300 || typeof request.body !== 'string') return
  const [asked, kept] = [parseObject(request.body), parseObject(text)]
  for (const [name, value] of Object.entries(asked)) {
    if (name === 'username' || !(name in kept)) continue
    expect(kept[name]).toEqual(name === 'profile' ? withCanonicalLocale(value) : value)
    // An unpaired surrogate. Some parsers refuse a JSON text that contains one.
    expect(JSON.stringify(value)).not.toMatch(/\\ud[89a-f]/i)
  }
}

/** The profile as the server stores it: a locale such as `valueOf` has another case in its canonical form. */
function withCanonicalLocale(profile: unknown): unknown {
  if (typeof profile !== 'object' || profile === null || !('locale' in profile)) return profile
  const { locale } = profile
  return typeof locale === 'string' ? { ...profile, locale: findLocale(locale) } : profile
}

function parseObject(text: string): Record<string, unknown> {
  // The server reads UTF-8 with or without a byte order mark.
  const value: unknown = text === '' ? null : JSON.parse(text.replace(/^\uFEFF/, ''))
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

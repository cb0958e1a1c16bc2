/**
 * The time for which a response is fresh for a private cache (RFC 9111 §4.2): `max-age` less `Age`, else `Expires` less `Date`.
 *
 * @returns seconds, at least 0; 0 for `no-store` and `no-cache`; null if the headers give no time
 */
export function freshSecondsOf(headers: Headers): number | null {
  const directives = (headers.get('Cache-Control') ?? '')
    .toLowerCase()
    .split(',')
    .map((text) => text.trim())
  if (directives.some((directive) => /^no-(?:store|cache)(?:=|$)/.test(directive))) return 0
  const maxAge = directives.map(parseMaxAge).find((seconds) => seconds !== null) ?? null
  if (maxAge !== null) return Math.max(0, maxAge - parseSeconds(headers.get('Age')))
  const expires = headers.get('Expires')
  if (expires === null) return null
  const seconds = (Date.parse(expires) - Date.parse(headers.get('Date') ?? '')) / 1000
  // An invalid date means that the response is not fresh (RFC 9111 §5.3).
  return Number.isNaN(seconds) ? 0 : Math.max(0, Math.floor(seconds))
}

function parseMaxAge(directive: string): number | null {
  const [, digits] = /^max-age="?(\d{1,10})"?$/.exec(directive) ?? []
  return digits === undefined ? null : Number(digits)
}

function parseSeconds(text: string | null): number {
  return text !== null && /^\d{1,10}$/.test(text) ? Number(text) : 0
}

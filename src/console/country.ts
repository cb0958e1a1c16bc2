/** The codes of Cloudflare that are not codes of countries. */
const OTHERS: ReadonlyMap<string, string> = new Map([
  ['T1', 'Tor network'],
  ['XX', 'Unknown country'],
])

/** A code of a region for Intl.DisplayNames, which throws on other texts. */
const REGION = /^[A-Z]{2}$/

/** The English name of a country code of Cloudflare; the code itself if it has no name. */
export function formatCountry(code: string): string {
  const other = OTHERS.get(code)
  if (other !== undefined || !REGION.test(code)) return other ?? code
  return new Intl.DisplayNames('en', { type: 'region' }).of(code) ?? code
}

/** What the content security policy of a page allows beyond its own origin. */
export interface ContentPolicy {
  /**
   * The origins to which a form of the page can lead, in addition to its own origin. Browsers check `form-action` for the URL of
   * the form and for each redirect after it (CSP Level 3 §6.3.1). Null omits `form-action`, for a page whose forms lead to a URI
   * without an origin, such as the scheme of an app.
   */
  formTargets: readonly string[] | null
  /** The URLs of the scripts of the page, without a query. No other script runs. Absent without scripts. */
  scripts?: readonly string[]
}

/** The policy of a page whose forms end at its own origin. */
export const OWN_ORIGIN_ONLY: ContentPolicy = { formTargets: [] }

/**
 * The value of `Content-Security-Policy`. No page has a frame, an inline script or an inline style.
 *
 * @throws Error if a form target is not an origin, or a script is not the URL of a file
 */
export function formatContentPolicy({ formTargets, scripts = [] }: ContentPolicy): string {
  const foreign = formTargets?.find((target) => !isOrigin(target))
  if (foreign !== undefined) throw new Error(`a form target is not an origin: ${foreign}`)
  const broken = scripts.find((script) => !isFileAddress(script))
  if (broken !== undefined) throw new Error(`a script is not the URL of a file: ${broken}`)
  return [
    "default-src 'none'",
    ...(scripts.length === 0 ? [] : [['script-src', ...scripts].join(' ')]),
    "style-src 'self'",
    "img-src 'self' data:",
    ...(formTargets === null ? [] : [["form-action 'self'", ...formTargets].join(' ')]),
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text
}

/** A source without a path, or with a path that ends with a slash, would allow several files (CSP Level 3 §6.7.2.8). */
function isFileAddress(text: string): boolean {
  return URL.canParse(text) && new URL(text).href === text && /^https?:\/\/[^/]+\/[\w./-]*\w$/.test(text)
}

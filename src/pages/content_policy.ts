/** What the content security policy of a page allows beyond its own origin. */
export interface ContentPolicy {
  /**
   * The origins to which a form of the page can lead, in addition to its own origin. Browsers check `form-action` for the
   * address of the form and for each redirect after it (CSP Level 3 §6.3.1). Null omits `form-action`, for a page whose forms
   * lead to an address without an origin, such as the scheme of an app.
   */
  formTargets: readonly string[] | null
}

/** The policy of a page whose forms end at its own origin. */
export const OWN_ORIGIN_ONLY: ContentPolicy = { formTargets: [] }

/**
 * The value of `Content-Security-Policy`. No page has a script, a frame or an inline style.
 *
 * @throws Error if a form target is not an origin
 */
export function formatContentPolicy({ formTargets }: ContentPolicy): string {
  const foreign = formTargets?.find((target) => !isOrigin(target))
  if (foreign !== undefined) throw new Error(`a form target is not an origin: ${foreign}`)
  return [
    "default-src 'none'",
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

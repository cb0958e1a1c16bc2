/** The longest URI that a client can register, in characters. */
export const MAX_URI_CHARACTERS = 1024

/** The characters of a URI (RFC 3986 §2), without the wildcard `*`. A backslash, a space and a Unicode letter are not among them. */
const URI_CHARACTERS = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()+,;=%]*$/
/** A `%` that begins no escape (RFC 3986 §2.1), or an escaped control character. */
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})|%[01][0-9A-Fa-f]|%7[Ff]/

/**
 * Finds the problem of an absolute URI that parsers could read in two ways; null for a URI that every parser reads alike. Browsers
 * change many texts before they follow them, so an operator must register the text that a browser keeps.
 */
export function findUriProblem(text: string): string | null {
  if (text === '' || text.length > MAX_URI_CHARACTERS) {
    return `must be a URI of 1 to ${MAX_URI_CHARACTERS} characters`
  }
  if (!URI_CHARACTERS.test(text)) return 'must have only the characters of a URI in ASCII, and no "*"'
  if (BAD_ESCAPE.test(text))
    return 'must have two hex digits after each "%", and no escaped control character'
  if (!URL.canParse(text)) return 'must be an absolute URI, such as https://shop.example.com/callback'
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return 'must not have a username or a password'
  if (isNormal(text, url)) return null
  return 'must be in normal form: scheme and host in lower case, no default port, no "." or ".." in the path'
}

/** Whether a browser keeps the text as it is. The path of an origin can be absent. */
function isNormal(text: string, url: URL): boolean {
  return url.href === text || (url.pathname === '/' && url.href === `${text}/`)
}

/** The URI without one final slash. Two URIs that differ only by that slash name the same API. */
export function withoutSlash(uri: string): string {
  return uri.replace(/\/$/, '')
}

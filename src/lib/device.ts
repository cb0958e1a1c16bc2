/** The first match counts: most browsers name other browsers too. */
const BROWSERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Edge', /\bEdg(?:A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:(?:Headless)?Chrome|CriOS)\//],
  ['Safari', /\bSafari\//],
]

const SYSTEMS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['iOS', /\b(?:iPhone|iPod)\b/],
  ['iPadOS', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['macOS', /\bMacintosh\b/],
  ['Linux', /\bLinux\b/],
]

/** Longer texts are no user agents of browsers. */
const MAX_CHARACTERS = 512

/**
 * Describes a device coarsely by the browser and the system in a User-Agent, such as "Chrome on Android". The description has only
 * names of fixed lists and no version, so it identifies no user and contains no text of the request.
 *
 * @returns null if neither is known
 */
export function describeDevice(userAgent: string | null | undefined): string | null {
  if (!userAgent || userAgent.length > MAX_CHARACTERS) return null
  const browser = findName(BROWSERS, userAgent)
  const system = findName(SYSTEMS, userAgent)
  if (browser === null) return system === null ? null : `App on ${system}`
  return system === null ? browser : `${browser} on ${system}`
}

function findName(names: typeof BROWSERS, text: string): string | null {
  return names.find(([, pattern]) => pattern.test(text))?.[0] ?? null
}

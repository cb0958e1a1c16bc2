const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** `2026-11-12 14:03:22`, in UTC. */
export function formatTime(unixSeconds: number): string {
  return formatIso(unixSeconds).replace('T', ' ').slice(0, 19)
}

/** The value for `<time datetime>`. */
export function formatIso(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString()
}

/** A time relative to now, in its largest unit: `3 minutes ago`, `in 2 days`. */
export function formatDistance(unixSeconds: number, now: number): string {
  const seconds = Math.abs(unixSeconds - now)
  if (seconds < MINUTE) return unixSeconds > now ? 'in a moment' : 'just now'
  const span = unitsOf(seconds)[0] ?? ''
  return unixSeconds > now ? `in ${span}` : `${span} ago`
}

/** A duration in its two largest units: `30 days`, `1 hour 30 minutes`. */
export function formatSpan(seconds: number): string {
  return unitsOf(seconds).slice(0, 2).join(' ') || '0 seconds'
}

const UNITS = [
  [DAY, 'day'],
  [HOUR, 'hour'],
  [MINUTE, 'minute'],
  [1, 'second'],
] as const

function unitsOf(seconds: number): string[] {
  let rest = Math.floor(seconds)
  return UNITS.flatMap(([size, noun]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count === 0 ? [] : [`${formatCount(count)} ${pluralOf(count, noun)}`]
  })
}

/** `1,234`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en')
}

/** The singular for 1, otherwise the plural. */
export function pluralOf(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`
}

/** Parses a `datetime-local` field as UTC. @returns Unix seconds; the text itself if it is not a time */
export function parseTime(text: string): number | string {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?$/.test(text)) return text
  const milliseconds = Date.parse(`${text}Z`)
  return Number.isNaN(milliseconds) ? text : milliseconds / 1000
}

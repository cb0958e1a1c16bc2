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

/** A time relative to now: `3 min ago`, `in 2 days`. */
export function formatDistance(unixSeconds: number, now: number): string {
  const seconds = Math.abs(unixSeconds - now)
  if (seconds < MINUTE) return unixSeconds > now ? 'in a moment' : 'just now'
  const span = formatSpan(seconds)
  return unixSeconds > now ? `in ${span}` : `${span} ago`
}

/** A duration by its largest unit. */
export function formatSpan(seconds: number): string {
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`
  return `${Math.floor(seconds / DAY)} days`
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

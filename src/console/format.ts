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

/** `12 Nov`, in UTC. */
export function formatDay(unixSeconds: number): string {
  const options = { day: 'numeric', month: 'short', timeZone: 'UTC' } as const
  return new Date(unixSeconds * 1000).toLocaleDateString('en-GB', options)
}

/** `1,234`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en')
}

/** A number of the previous period and the change since then: `340 before, +12 %`. Empty if the period was not counted. */
export function formatComparison({ total, previous }: { total: number; previous: number | null }): string {
  if (previous === null) return ''
  const change = previous === 0 ? [] : [formatChange(total, previous)]
  return [`${formatCount(previous)} before`, ...change].join(', ')
}

function formatChange(count: number, earlier: number): string {
  const percent = Math.round((count / earlier - 1) * 100)
  if (percent === 0) return count === earlier ? 'unchanged' : '±0 %'
  return `${percent > 0 ? '+' : '−'}${formatCount(Math.abs(percent))} %`
}

/** `12 MB`: bytes in the largest decimal unit. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB']
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1)
  const number = bytes / 1000 ** unit
  return `${number.toLocaleString('en', { maximumSignificantDigits: 3 })} ${units[unit]}`
}

/** `12 %`, or `0.1 %` for a small share. */
export function formatShare(share: number): string {
  const percent = share * 100
  if (percent > 0 && percent < 0.1) return '< 0.1 %'
  return `${percent.toLocaleString('en', { maximumFractionDigits: percent < 10 ? 1 : 0 })} %`
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

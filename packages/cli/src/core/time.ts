const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 }
const AGE = /^(\d{1,6})([smhdw])$/
const UNIX_SECONDS = /^\d{9,11}$/
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?(?:Z|[+-]\d{2}:\d{2})?)?$/

/** The time of this machine in Unix seconds. */
export function currentTime(): number {
  return Math.floor(Date.now() / 1000)
}

/** Parses a date, an age or Unix seconds. A date without a zone is local time. @returns Unix seconds; null for other texts */
export function parseTime(text: string, now = currentTime()): number | null {
  const [, count, unit = ''] = AGE.exec(text) ?? []
  if (count !== undefined) return now - Number(count) * (UNITS[unit] ?? 0)
  if (UNIX_SECONDS.test(text)) return Number(text)
  if (!DATE.test(text)) return null
  // Date.parse reads a date without a time as UTC.
  const milliseconds = Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'))
  return Number.isNaN(milliseconds) ? null : Math.floor(milliseconds / 1000)
}

/** Formats Unix seconds as local time, such as `2026-11-25 10:14:03`. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000)
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()]
  const hour = [date.getHours(), date.getMinutes(), date.getSeconds()]
  return `${day.map(pad).join('-')} ${hour.map(pad).join(':')}`
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}

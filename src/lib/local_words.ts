import type { Language } from './language.ts'

/** @param at Unix seconds. The time zone of the reader is not known, so the time is in UTC. */
export function formatTime(at: number, language: Language): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' })
  return `${format.format(at * 1000)} UTC`
}

/** The day of a time, in UTC. @param at Unix seconds. */
export function formatDay(at: number, language: Language): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeZone: 'UTC' }).format(at * 1000)
}

/** @param code Two letters. Cloudflare also has codes that are not countries, such as `T1`. */
export function formatCountry(code: string, language: Language): string {
  return /^[A-Z]{2}$/.test(code)
    ? (new Intl.DisplayNames(language, { type: 'region' }).of(code) ?? code)
    : code
}

/** The name of a language in this language, with a capital letter: "Deutsch". @param tag BCP 47 */
export function formatLanguage(tag: string): string {
  const name = new Intl.DisplayNames(tag, { type: 'language' }).of(tag) ?? tag
  return name.slice(0, 1).toLocaleUpperCase(tag) + name.slice(1)
}

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

/** Whole minutes below an hour, whole hours below two days, otherwise days. */
export function formatDuration(seconds: number, language: Language): string {
  const [unit, length] =
    seconds < HOUR ? ['minute', MINUTE] : seconds < 2 * DAY ? ['hour', HOUR] : ['day', DAY]
  const format = new Intl.NumberFormat(language, { style: 'unit', unit: String(unit), unitDisplay: 'long' })
  return format.format(Math.floor(seconds / Number(length)))
}

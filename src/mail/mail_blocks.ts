import { formatCountry, formatDuration, formatTime } from '../lib/local_words.ts'
import type { MailTexts } from './languages/en.ts'
import type { Mail } from './mail.ts'

/** A part of the body. The text and the HTML of a mail have the same parts in the same order. */
export type MailBlock =
  | { type: 'text'; text: string }
  | { type: 'code'; code: string }
  | { type: 'facts'; facts: [label: string, value: string][] }
  | { type: 'link'; label: string; href: string }

const text = (words: string): MailBlock => ({ type: 'text', text: words })
const link = (label: string, href: string): MailBlock => ({ type: 'link', label, href })

/** The parts of a mail: its text, its facts, its action, and the advice to a reader who did not request it. */
export function blocksOf(mail: Mail, texts: MailTexts, name: string): MailBlock[] {
  return [
    text(texts.kinds[mail.kind].text(name)),
    ...factsOf(mail, texts),
    ...('link' in mail && mail.link !== null ? [link(texts.kinds[mail.kind].action, mail.link)] : []),
    ...lifetimeOf(mail, texts),
    ...adviceOf(mail, texts),
  ]
}

function adviceOf(mail: Mail, texts: MailTexts): MailBlock[] {
  if ('endSessionsLink' in mail) return [text(texts.notYou), link(texts.endSessions, mail.endSessionsLink)]
  const isPasswordKnown = mail.kind === 'email_code' && mail.isAfterPassword
  return [text(isPasswordKnown ? texts.passwordKnown : texts.notRequested)]
}

function factsOf(mail: Mail, texts: MailTexts): MailBlock[] {
  switch (mail.kind) {
    case 'verify_sign_up':
    case 'email_code':
      return [{ type: 'code', code: mail.code }]
    case 'factor_changed':
      return [text(texts.changes[mail.change])]
    case 'deletion_scheduled':
      return [text(texts.deletion(formatTime(mail.deletedAt, mail.language)))]
    case 'new_device':
    case 'more_needed':
      return [{ type: 'facts', facts: originOf(mail, texts) }]
    default:
      return []
  }
}

function originOf(
  { at, device, country, language }: Extract<Mail, { device: string | null }>,
  { facts }: MailTexts,
): [string, string][] {
  return [
    [facts.at, formatTime(at, language)],
    ...(device === null ? [] : [[facts.device, device] satisfies [string, string]]),
    ...(country === null
      ? []
      : [[facts.country, formatCountry(country, language)] satisfies [string, string]]),
  ]
}

function lifetimeOf(mail: Mail, texts: MailTexts): MailBlock[] {
  if (!('lifetimeSeconds' in mail)) return []
  const duration = formatDuration(mail.lifetimeSeconds, mail.language)
  return [text('code' in mail ? texts.codeLifetime(duration) : texts.linkLifetime(duration))]
}

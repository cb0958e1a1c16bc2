import type { Branding } from '../config/branding_schema.ts'
import type { Config } from '../config/config.ts'
import type { MailSettings } from '../config/mail_schema.ts'
import type { FoundTexts } from '../storage/text_store.ts'
import type { MailTexts } from './languages/en.ts'
import type { Mail, MailKind, QueuedMail } from './mail.ts'
import { blocksOf } from './mail_blocks.ts'
import { renderHtml, renderText } from './mail_html.ts'

/** A mail for a mail service. */
export interface RenderedMail {
  /** The id of each delivery of this mail. */
  id: string
  kind: MailKind
  /** Unix seconds. */
  queuedAt: number
  from: MailSettings['from']
  to: string
  /** BCP 47. */
  language: string
  subject: string
  text: string
  html: string
}

/** The parts of config.yml that mails need. */
export interface MailLooks extends Pick<Config, 'apis'> {
  mail: Pick<MailSettings, 'from'>
}

/** Writes the texts of a mail with the branding of its API. */
export function renderMail(
  { id, queuedAt, mail }: QueuedMail,
  looks: MailLooks,
  { language, texts }: FoundTexts<MailTexts>,
): RenderedMail {
  const { kind, to } = mail
  const branding = brandingOf(mail, looks)
  const name = branding?.name ?? looks.mail.from.name
  const subject = texts.kinds[kind].subject(name)
  const content = {
    language,
    subject,
    name,
    branding,
    texts,
    blocks: blocksOf({ ...mail, language }, texts, name),
  }
  return {
    id,
    kind,
    queuedAt,
    from: looks.mail.from,
    to,
    language,
    subject,
    text: renderText(content),
    html: renderHtml(content),
  }
}

/** The branding of the API, or of the first API of the pool that has one. */
function brandingOf({ api, pool }: Mail, { apis }: MailLooks): Branding | null {
  const own = api === null ? undefined : apis.get(api)
  const ofPool = [...apis.values()].filter(({ userPool }) => userPool === pool)
  return [own, ...ofPool].find((found) => found?.branding)?.branding ?? null
}

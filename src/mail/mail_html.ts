import type { Branding } from '../config/branding_schema.ts'
import type { MailTexts } from './languages/en.ts'
import type { MailBlock } from './mail_blocks.ts'

/** The content of a mail as HTML or text. */
export interface MailContent {
  /** BCP 47. */
  language: string
  subject: string
  /** The name of the shop or the company. */
  name: string
  branding: Branding | null
  texts: MailTexts
  blocks: readonly MailBlock[]
}

/** The accent color of Sallyport on a light ground. */
const ACCENT = '#1f5fa8'

/** A mail program may not know CSS files, so each element has its own style. */
const STYLES = {
  body: 'margin:0;padding:24px 12px;background:#f6f7f8;color:#1c1f23;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif',
  card: 'max-width:480px;margin:0 auto;padding:24px;background:#ffffff;border:1px solid #d9dde1;border-radius:8px;overflow-wrap:anywhere',
  heading: 'margin:16px 0;font-size:20px;line-height:1.3',
  text: 'margin:16px 0',
  code: 'margin:16px 0;font:700 28px/1.2 ui-monospace,Menlo,Consolas,monospace;letter-spacing:4px',
  footer: 'max-width:480px;margin:16px auto 0;font-size:14px;color:#54606b',
}

/** Writes a mail as an HTML document without scripts and without content of other hosts. */
export function renderHtml({ language, subject, name, branding, texts, blocks }: MailContent): string {
  const accent = branding?.colors?.light ?? ACCENT
  return [
    `<!doctype html><html lang="${escapeHtml(language)}"><head><meta charset="utf-8">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light">',
    `<title>${escapeHtml(subject)}</title></head><body style="${escapeHtml(STYLES.body)}">`,
    `<main style="${STYLES.card}">${brandOf(name, branding, accent)}`,
    `<h1 style="${STYLES.heading}">${escapeHtml(subject)}</h1>`,
    ...blocks.map((block) => renderBlock(block, accent)),
    `</main>${footerOf(branding, texts, accent)}</body></html>`,
  ].join('')
}

/** The name, after the logo if a mail program shows it without a request to a host: a PNG in the mail itself. */
function brandOf(name: string, branding: Branding | null, accent: string): string {
  const logo = branding?.logo ?? null
  const image =
    logo?.startsWith('data:image/png;') === true
      ? `<img src="${escapeHtml(logo)}" alt="" height="28" style="vertical-align:middle;margin-right:8px">`
      : ''
  return `<p style="margin:0;font-weight:700;color:${escapeHtml(accent)}">${image}${escapeHtml(name)}</p>`
}

function renderBlock(block: MailBlock, accent: string): string {
  switch (block.type) {
    case 'text':
      return `<p style="${STYLES.text}">${escapeHtml(block.text)}</p>`
    case 'code':
      return `<p style="${escapeHtml(STYLES.code)}">${escapeHtml(block.code)}</p>`
    case 'facts': {
      const lines = block.facts.map(([label, value]) => `${escapeHtml(label)}: ${escapeHtml(value)}`)
      return `<p style="${STYLES.text}">${lines.join('<br>')}</p>`
    }
    case 'link': {
      const style = `display:inline-block;padding:10px 18px;border-radius:6px;background:${accent};color:#ffffff;font-weight:600;text-decoration:none`
      return `<p style="${STYLES.text}"><a href="${escapeHtml(block.href)}" style="${escapeHtml(style)}">${escapeHtml(block.label)}</a></p>`
    }
  }
}

function footerOf(branding: Branding | null, { links: labels }: MailTexts, accent: string): string {
  const links = linksOf(branding, labels).map(
    ([label, href]) =>
      `<a href="${escapeHtml(href)}" style="color:${escapeHtml(accent)}">${escapeHtml(label)}</a>`,
  )
  return links.length === 0 ? '' : `<footer style="${STYLES.footer}">${links.join(' · ')}</footer>`
}

/** The links of the operator, with their labels. */
function linksOf(branding: Branding | null, labels: MailTexts['links']): [label: string, href: string][] {
  const { privacy = null, terms = null, help = null } = branding?.links ?? {}
  const links = { privacy, terms, help }
  const names = ['privacy', 'terms', 'help'] as const
  return names.flatMap((name) => {
    const href = links[name]
    return href === null ? [] : [[labels[name], href] satisfies [string, string]]
  })
}

/** Writes a mail as plain text. A link is on a line of its own, so that a mail program finds its end. */
export function renderText({ name, branding, texts, blocks }: MailContent): string {
  const parts = blocks.map(formatBlock)
  const links = linksOf(branding, texts.links).map(([label, href]) => `${label}: ${href}`)
  return `${[...parts, [`-- \n${name}`, ...links].join('\n')].join('\n\n')}\n`
}

function formatBlock(block: MailBlock): string {
  switch (block.type) {
    case 'text':
      return block.text
    case 'code':
      return block.code
    case 'facts':
      return block.facts.map(([label, value]) => `${label}: ${value}`).join('\n')
    case 'link':
      return `${block.label}:\n${block.href}`
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Escapes a text for HTML, also for the value of an attribute in quotes. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}

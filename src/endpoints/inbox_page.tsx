import type { Context, Hono } from 'hono'
import type { Child } from 'hono/jsx'
import { describeError, log } from '../lib/log.ts'
import { INBOX_PATH } from '../mail/inbox_path.ts'
import type { InboxStore, KeptMail, ListedMail } from '../mail/inbox_store.ts'
import { Assets } from '../pages/assets.ts'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { Document } from '../pages/document.tsx'
import { createPageApp } from '../pages/page_app.ts'
import { ErrorCard, METHOD_NOT_ALLOWED, NOT_FOUND, PageError, UNEXPECTED } from '../pages/page_error.tsx'
import { renderPage } from '../pages/render_page.ts'
import style from './inbox.css'

/** The policy of a mail as HTML: inline styles, and images inside the mail. No script, no form and nothing loaded from a host. */
const MAIL_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ')

/** The page with the mails of a local server. */
export function createInboxPage(inbox: InboxStore, { issuer }: { issuer: string }): Hono {
  const assets = new Assets(INBOX_PATH, style)
  const app = createPageApp({
    basePath: INBOX_PATH,
    issuer,
    showError: (c, error) => showError(c, error, assets),
  })
  app.route('/', assets.routes())
  app.get('/', async (c) =>
    show(c, assets, { title: 'Inbox', content: <MailList mails={await inbox.list()} /> }),
  )
  app.get('/:id', async (c) => {
    const id = c.req.param('id')
    const mail = await requireMail(inbox, id)
    return show(c, assets, { title: mail.subject, content: <MailView id={id} mail={mail} /> })
  })
  app.get('/:id/html', async (c) => {
    const { html } = await requireMail(inbox, c.req.param('id'))
    c.header('Content-Security-Policy', MAIL_POLICY)
    return c.html(html)
  })
  app.all('*', (c) => {
    throw new PageError(c.req.method === 'GET' ? NOT_FOUND : METHOD_NOT_ALLOWED)
  })
  return app
}

async function requireMail(inbox: InboxStore, id: string): Promise<KeptMail> {
  const mail = await inbox.find(id)
  if (mail === null) throw new PageError(NOT_FOUND)
  return mail
}

interface Shown {
  title: string
  content: Child
  status?: number
}

async function show(c: Context, assets: Assets, { title, content, status }: Shown): Promise<Response> {
  const document = (
    <Document title={title} assets={await assets.paths()}>
      <main id="main" class="inbox">
        {content}
      </main>
    </Document>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY, status })
}

function MailList({ mails }: { mails: readonly ListedMail[] }) {
  return (
    <>
      <h1>Inbox</h1>
      <p class="soft">
        A local server sends no mails. It keeps them here for a day. Reload the page for new mails.
      </p>
      {mails.length === 0 ? (
        <p>No mails.</p>
      ) : (
        <ol class="mails">
          {mails.map(({ id, to, subject, queuedAt }) => (
            <li>
              <a href={`${INBOX_PATH}/${id}`}>{subject}</a>
              <span class="soft">
                {to} · <Time at={queuedAt} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </>
  )
}

function MailView({ id, mail }: { id: string; mail: KeptMail }) {
  const { from, to, subject, queuedAt, language, text } = mail
  return (
    <>
      <p>
        <a href={INBOX_PATH}>Inbox</a>
      </p>
      <h1 lang={language}>{subject}</h1>
      <p class="soft">
        From {from.name} &lt;{from.address}&gt; to {to} · <Time at={queuedAt} /> ·{' '}
        <a href={`${INBOX_PATH}/${id}/html`}>Show as HTML</a>
      </p>
      <div class="mail" lang={language}>
        {withLinks(text)}
      </div>
    </>
  )
}

/** @param at Unix seconds. */
function Time({ at }: { at: number }) {
  const text = new Date(at * 1000).toISOString()
  return <time datetime={text}>{`${text.slice(0, 16).replace('T', ' ')} UTC`}</time>
}

/** The text of a mail, with a link for each address of a page. */
function withLinks(text: string): Child[] {
  return text
    .split(/(https?:\/\/\S+)/)
    .map((part) => (/^https?:\/\//.test(part) ? <a href={part}>{part}</a> : part))
}

function showError(c: Context, error: Error, assets: Assets): Promise<Response> {
  const isKnown = error instanceof PageError
  const content = isKnown ? error.content : UNEXPECTED
  if (!isKnown) log('error', 'page_failed', { path: c.req.path, cause: describeError(error) })
  const card = <ErrorCard content={content} home={{ href: INBOX_PATH, label: 'Go to the inbox' }} />
  return show(c, assets, { title: content.title, content: card, status: content.status })
}

import type { Context } from 'hono'
import { compact } from '../lib/compact.ts'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { CardDocument } from '../pages/document.tsx'
import { renderPage } from '../pages/render_page.ts'
import { CONSOLE_PATH, SCRIPT_NAME } from './console_path.ts'
import type { ConsoleServices } from './console_services.ts'
import { ConsoleDocument } from './layout.tsx'
import type { ConsoleOperator, Download, PageContent } from './page.ts'
import { SEARCH_PATH } from './search_page.tsx'

interface Link {
  href: string
  label: string
}

/** Responds with a file that the browser saves (RFC 6266). */
export function sendFile(c: Context, { fileName, document }: Download): Response {
  c.header('Content-Disposition', `attachment; filename="${fileName}"`)
  c.header('Content-Type', 'application/json; charset=UTF-8')
  return c.body(JSON.stringify(document, null, 2))
}

interface ShownContent extends PageContent {
  operator: ConsoleOperator
  csrfToken: string
  /** The text of the notice; absent or null for a page without a notice. */
  notice?: string | null
}

/** Responds with a page for a signed-in operator. */
export async function showPage(
  c: Context,
  { title, body, status, refresh, operator, csrfToken, notice = null }: ShownContent,
  services: ConsoleServices,
): Promise<Response> {
  const path = c.req.path.slice(CONSOLE_PATH.length)
  const document = (
    <ConsoleDocument
      title={title}
      assets={await services.assets.paths()}
      operator={operator}
      csrfToken={csrfToken}
      path={path}
      searched={path === SEARCH_PATH ? (c.req.query('q') ?? '') : ''}
      notice={notice}
      refresh={refresh}
    >
      {body}
    </ConsoleDocument>
  )
  const { origin } = new URL(services.config.issuer)
  const policy = { ...OWN_ORIGIN_ONLY, scripts: [`${origin}${CONSOLE_PATH}/${SCRIPT_NAME}`] }
  return renderPage(c, { document, policy, status })
}

/** Responds with a page that needs no session. */
export async function showCard(
  c: Context,
  { title, body, status }: PageContent,
  services: ConsoleServices,
): Promise<Response> {
  const document = (
    <CardDocument title={title} assets={await services.assets.paths()}>
      {body}
    </CardDocument>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY, status })
}

/** Responds with a short message and a link. */
export function showMessage(
  c: Context,
  { title, text, link, status }: { title: string; text: string; link: Link; status?: number },
  services: ConsoleServices,
): Promise<Response> {
  const body = (
    <div class="card">
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <a class="button primary" href={link.href}>
          {link.label}
        </a>
      </p>
    </div>
  )
  return showCard(c, compact({ title, body, status }), services)
}

/**
 * Leads the browser to a page of the console by a page of this site. After a link of another site, browsers send no `Strict` cookie
 * with a redirect.
 *
 * @param address The path and the query of the page.
 */
export function goOn(c: Context, address: string, services: ConsoleServices): Promise<Response> {
  c.header('Refresh', `0; url=${address}`)
  const link = { href: address, label: 'Continue' }
  return showMessage(c, { title: 'Opening the console', text: 'The page opens in a moment.', link }, services)
}

import type { Context, Hono } from 'hono'
import { describeError, log } from '../lib/log.ts'
import { Assets } from '../pages/assets.ts'
import { OWN_ORIGIN_ONLY } from '../pages/content_policy.ts'
import { CardDocument } from '../pages/document.tsx'
import { createPageApp } from '../pages/page_app.ts'
import { ErrorCard, NOT_FOUND, PageError, UNEXPECTED } from '../pages/page_error.tsx'
import { renderPage } from '../pages/render_page.ts'
import { HOME_PATH, HOME_VARY, type Home } from './home.ts'

/** The path above the files of the page. */
export const HOME_FILES_PATH = '/home'

/** The page for browsers at HOME_PATH, and its files below HOME_FILES_PATH. */
export function createHomePage(home: Home): Hono {
  const assets = new Assets(HOME_FILES_PATH, '')
  const app = createPageApp({
    basePath: HOME_PATH,
    issuer: home.issuer,
    showError: (c, error) => showError(c, error, assets),
  })
  app.route(HOME_FILES_PATH, assets.routes())
  app.get(HOME_PATH, async (c) => {
    c.header('Vary', HOME_VARY)
    const document = (
      <CardDocument title="Token service" assets={await assets.paths()}>
        <HomeCard home={home} />
      </CardDocument>
    )
    return renderPage(c, { document, policy: OWN_ORIGIN_ONLY })
  })
  app.all('*', () => {
    throw new PageError(NOT_FOUND)
  })
  return app
}

function HomeCard({ home }: { home: Home }) {
  const links: [string | undefined, string][] = [
    [home.account, 'Your account'],
    [home.console, 'Console, for operators'],
    [home.metadata, 'Metadata of the server (RFC 8414)'],
    [home.jwks_uri, 'Public keys (RFC 7517)'],
    [home.admin_api, 'Admin API (OpenAPI)'],
  ]
  return (
    <div class="card">
      <h1>Token service</h1>
      <p>
        {home.name} {home.version} issues the tokens of <code>{home.issuer}</code>.
      </p>
      <ul>
        {links.map(([href, label]) =>
          href === undefined ? null : (
            <li>
              <a href={href}>{label}</a>
            </li>
          ),
        )}
      </ul>
      <p class="soft">Documentation: {home.documentation}.</p>
    </div>
  )
}

async function showError(c: Context, error: Error, assets: Assets): Promise<Response> {
  const isKnown = error instanceof PageError
  const content = isKnown ? error.content : UNEXPECTED
  if (!isKnown) log('error', 'page_failed', { path: c.req.path, cause: describeError(error) })
  const document = (
    <CardDocument title={content.title} assets={await assets.paths()}>
      <ErrorCard content={content} home={{ href: HOME_PATH, label: 'Go to the start page' }} />
    </CardDocument>
  )
  return renderPage(c, { document, policy: OWN_ORIGIN_ONLY, status: content.status })
}

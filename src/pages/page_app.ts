import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import { MAX_BODY_BYTES } from '../http/handlers.ts'
import { FORGED, PageError, tooLarge } from './page_error.tsx'
import { protectPages } from './page_headers.ts'

interface PageAppOptions {
  /** The path of all pages, such as `/console`. */
  basePath: string
  issuer: string
  /** The paths whose forms may come from other sites. Their handlers must change nothing. */
  crossSitePaths?: readonly string[]
  /** Makes the response to a failed request: an error page or a redirect. */
  showError(c: Context, error: Error): Response | Promise<Response>
}

/**
 * Creates an app for pages. Each response gets the protective headers. The app refuses a form if its origin is not the issuer's
 * (`Origin`, `Sec-Fetch-Site`), or if it is larger than MAX_BODY_BYTES.
 */
export function createPageApp({ basePath, issuer, crossSitePaths = [], showError }: PageAppOptions): Hono {
  const app = new Hono().basePath(basePath)
  const refuseCrossSite = csrf({ origin: issuer })
  app.use(
    protectPages(issuer),
    (c, next) => (crossSitePaths.includes(c.req.path) ? next() : refuseCrossSite(c, next)),
    limitBody(),
  )
  // Only the middleware `csrf` throws an HTTPException.
  app.onError((error, c) => showError(c, error instanceof HTTPException ? new PageError(FORGED) : error))
  return app
}

function limitBody() {
  return bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new PageError(tooLarge(MAX_BODY_BYTES))
    },
  })
}

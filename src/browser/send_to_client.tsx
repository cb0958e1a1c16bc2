import type { Context } from 'hono'
import type { AuthorizationResponse } from '../authorization/authorization_response.ts'
import { renderPage } from '../pages/render_page.ts'
import { FORM_POST_SCRIPT, scriptAddress } from './browser_path.ts'
import type { BrowserServices } from './browser_services.ts'
import { looksOf } from './looks.ts'
import { PageFrame } from './page_frame.tsx'

/** Sends the browser to the client (RFC 6749 §4.1.2), or shows the form that posts to it (Form Post Response Mode §2). */
export async function sendToClient(
  c: Context,
  response: AuthorizationResponse,
  services: BrowserServices,
): Promise<Response> {
  // A code in the URL must not reach another site in `Referer`.
  c.header('Referrer-Policy', 'no-referrer')
  if (response.mode === 'query') return c.redirect(response.location, 303)
  c.header('Referrer-Policy', 'strict-origin')
  const { action, fields } = response
  const looks = await looksOf(c, services)
  const { leave } = looks.texts
  const document = (
    <PageFrame
      title={leave.title}
      looks={looks}
      assets={await services.assets.paths()}
      script={FORM_POST_SCRIPT}
    >
      <form method="post" action={action} class="form">
        <h1>{leave.title}</h1>
        <p>{leave.text(new URL(action).host)}</p>
        {Object.entries(fields).map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        <button type="submit" class="primary">
          {leave.submit}
        </button>
      </form>
    </PageFrame>
  )
  const scripts = [scriptAddress(FORM_POST_SCRIPT, services.config)]
  return renderPage(c, { document, policy: { formTargets: null, scripts }, openerPolicy: 'unsafe-none' })
}

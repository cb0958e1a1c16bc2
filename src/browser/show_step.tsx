import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import { CardDocument } from '../pages/document.tsx'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { renderPage } from '../pages/render_page.ts'
import type { Step } from '../signin/next_step.ts'
import { BROWSER_PATH, CONSENT_PATH, SIGN_IN_PATH } from './browser_path.ts'
import type { BrowserServices } from './browser_services.ts'
import { sealTicket, TICKET_FIELD } from './form_ticket.ts'
import type { Situation } from './situation.ts'

/** What a page shows besides the step: the typed values, and an error. */
export interface StepView {
  username?: string
  error?: string
  status?: number
}

/** Shows the page of a step. The form carries the request, so that the server stores nothing. */
export async function showStep(
  c: Context,
  step: Step,
  situation: Situation,
  services: BrowserServices,
  view: StepView = {},
): Promise<Response> {
  const { request, context } = situation.browserRequest
  const formId = await services.cookies.requireFormId(c)
  const browserId = situation.session?.id ?? null
  const ticket = await sealTicket({ request, formId, browserId, sealedAt: context.now }, services.formSealer)
  const body = step === 'consent' ? consentForm(situation, ticket) : signInForm(situation, ticket, view)
  const title = step === 'consent' ? 'Allow access' : 'Sign in'
  const document = (
    <CardDocument title={title} assets={await services.assets.paths()}>
      {body}
    </CardDocument>
  )
  // Browsers check `form-action` for each redirect after the form, and the last one leads to the client.
  const policy = { formTargets: null }
  return renderPage(c, { document, policy, openerPolicy: 'unsafe-none', status: view.status })
}

function signInForm({ browserRequest }: Situation, ticket: string, { username, error }: StepView): Child {
  const { request, client } = browserRequest
  const state = { form: Form.of({ username: username ?? request.loginHint ?? '' }), problem: null }
  return (
    <form method="post" action={BROWSER_PATH + SIGN_IN_PATH} class="card form">
      <h1>Sign in</h1>
      <p class="soft">to continue to {client.name}</p>
      {error === undefined ? null : (
        <p class="note bad" role="alert">
          {error}
        </p>
      )}
      <input type="hidden" name={TICKET_FIELD} value={ticket} />
      <Input
        state={state}
        name="username"
        label="Username"
        autocomplete="username"
        autocapitalize="none"
        required
      />
      <Input
        state={state}
        name="password"
        label="Password"
        type="password"
        autocomplete="current-password"
        required
      />
      <button type="submit" class="primary">
        Sign in
      </button>
    </form>
  )
}

function consentForm({ browserRequest, user }: Situation, ticket: string): Child {
  const { request, client } = browserRequest
  return (
    <form method="post" action={BROWSER_PATH + CONSENT_PATH} class="card form">
      <h1>Allow {client.name} to use your account?</h1>
      <p>You are signed in as {user?.username}.</p>
      <ul>
        {request.scope.map((scope) => (
          <li>{scope}</li>
        ))}
      </ul>
      <p class="soft">You return to {new URL(request.redirectUri).host}.</p>
      <input type="hidden" name={TICKET_FIELD} value={ticket} />
      <button type="submit" name="decision" value="allow" class="primary">
        Allow
      </button>
      <button type="submit" name="decision" value="deny">
        Cancel
      </button>
    </form>
  )
}

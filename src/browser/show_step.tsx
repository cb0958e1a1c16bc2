import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import { CardDocument } from '../pages/document.tsx'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { renderPage } from '../pages/render_page.ts'
import type { NextStep, Step } from '../signin/next_step.ts'
import { ACCOUNT_PATH, BROWSER_PATH, CONSENT_PATH, PASSWORD_PATH, SIGN_IN_PATH } from './browser_path.ts'
import type { BrowserServices } from './browser_services.ts'
import { sealTicket, TICKET_FIELD } from './form_ticket.ts'
import { describeProblem } from './problem_words.ts'
import { CANCEL } from './read_submission.ts'
import type { Situation } from './situation.ts'

/** The page that the user must see. */
export interface StepView
  extends Pick<Extract<NextStep, { kind: 'show' }>, 'step' | 'problem' | 'offersGuest'> {
  /** The username that the user typed before; null without one. */
  username: string | null
}

interface Page {
  title: string
  path: string
  content(situation: Situation, view: StepView): Child
}

const PAGES: Readonly<Record<Step, Page>> = {
  sign_in: { title: 'Sign in', path: SIGN_IN_PATH, content: signInContent },
  select_account: { title: 'Choose an account', path: ACCOUNT_PATH, content: accountContent },
  change_password: { title: 'Choose a new password', path: PASSWORD_PATH, content: passwordContent },
  consent: { title: 'Allow access', path: CONSENT_PATH, content: consentContent },
}

/** Shows the page of a step. The form carries the request, so that the server stores nothing. */
export async function showStep(
  c: Context,
  view: StepView,
  situation: Situation,
  services: BrowserServices,
): Promise<Response> {
  const { title, path, content } = PAGES[view.step]
  const ticket = await makeTicket(c, view.step, situation, services)
  const problem = view.problem === null ? null : describeProblem(view.problem)
  if (view.problem?.kind === 'must_wait') c.header('Retry-After', String(view.problem.seconds))
  const document = (
    <CardDocument title={title} assets={await services.assets.paths()}>
      <form method="post" action={BROWSER_PATH + path} class="card form">
        {problem === null ? null : (
          <p class="note bad" role="alert">
            {problem.text}
          </p>
        )}
        {content(situation, view)}
        <input type="hidden" name={TICKET_FIELD} value={ticket} />
        <button type="submit" {...CANCEL} formnovalidate>
          Cancel
        </button>
      </form>
    </CardDocument>
  )
  // Browsers check `form-action` for each redirect after the form, and the last one leads to the client.
  const policy = { formTargets: null }
  return renderPage(c, {
    document,
    policy,
    openerPolicy: 'unsafe-none',
    ...(problem && { status: problem.status }),
  })
}

/** The hidden field of the form: the request, the browser and the state that the page shows. */
async function makeTicket(
  c: Context,
  step: Step,
  { browserRequest, signedIn, known }: Situation,
  { cookies, formSealer }: BrowserServices,
): Promise<string> {
  const { request, context } = browserRequest
  const formId = await cookies.requireFormId(c)
  const browserId = signedIn?.session.id ?? null
  const state = { formId, browserId, step, isAccountChosen: known.account.isChosen }
  return sealTicket({ request, ...state, sealedAt: context.now }, formSealer)
}

function signInContent({ browserRequest }: Situation, { username, offersGuest }: StepView): Child {
  const { request, client } = browserRequest
  const state = { form: Form.of({ username: username ?? request.loginHint ?? '' }), problem: null }
  return (
    <>
      <h1>Sign in</h1>
      <p class="soft">to continue to {client.name}</p>
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
      {offersGuest ? (
        <button type="submit" name="decision" value="guest" formnovalidate>
          Continue as guest
        </button>
      ) : null}
    </>
  )
}

function accountContent({ browserRequest, signedIn }: Situation): Child {
  const name = signedIn?.user.username
  return (
    <>
      <h1>You are signed in as {name}</h1>
      <p class="soft">Choose the account for {browserRequest.client.name}.</p>
      <button type="submit" name="decision" value="keep" class="primary">
        Continue as {name}
      </button>
      <button type="submit" name="decision" value="other">
        Use another account
      </button>
    </>
  )
}

function passwordContent({ signedIn }: Situation): Child {
  const state = { form: Form.of({}), problem: null }
  const field = { state, type: 'password', required: true } as const
  return (
    <>
      <h1>Choose a new password</h1>
      <p>
        The account {signedIn?.user.username} needs a new password before you can go on. Other devices sign
        out.
      </p>
      <Input {...field} name="current_password" label="Current password" autocomplete="current-password" />
      <Input {...field} name="password" label="New password" autocomplete="new-password" />
      <Input {...field} name="repeated" label="New password again" autocomplete="new-password" />
      <button type="submit" class="primary">
        Set password
      </button>
    </>
  )
}

function consentContent({ browserRequest, signedIn }: Situation): Child {
  const { request, client } = browserRequest
  return (
    <>
      <h1>Allow {client.name} to use your account?</h1>
      <p>You are signed in as {signedIn?.user.username}.</p>
      <ul>
        {request.scope.map((scope) => (
          <li>{scope}</li>
        ))}
      </ul>
      <p class="soft">You return to {new URL(request.redirectUri).host || request.redirectUri}.</p>
      <button type="submit" name="decision" value="allow" class="primary">
        Allow
      </button>
    </>
  )
}

import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import type { Form } from '../pages/form.ts'
import { renderPage } from '../pages/render_page.ts'
import type { NextStep, Step } from '../signin/next_step.ts'
import { accountPage } from './account_page.tsx'
import { addPasskeyPage } from './add_passkey_page.tsx'
import { BROWSER_PATH, PATH_OF_STEP, scriptAddress } from './browser_path.ts'
import type { BrowserServices } from './browser_services.ts'
import { consentPage } from './consent_page.tsx'
import { createAccountPage } from './create_account_page.tsx'
import { emailCodePage } from './email_code_page.tsx'
import { emailSecondFactorPage } from './email_second_factor_page.tsx'
import { type FormTicket, makeTicket, sealTicket, TICKET_FIELD } from './form_ticket.ts'
import { looksOf } from './looks.ts'
import { PageFrame } from './page_frame.tsx'
import { passwordPage } from './password_page.tsx'
import { describeProblem } from './problem_words.ts'
import { CANCEL } from './read_submission.ts'
import { recoveryCodesPage } from './recovery_codes_page.tsx'
import { secondFactorPage } from './second_factor_page.tsx'
import { setUpPage } from './set_up_page.tsx'
import { signInPage } from './sign_in_page.tsx'
import { signUpCodePage } from './sign_up_code_page.tsx'
import { signUpPage } from './sign_up_page.tsx'
import type { Situation } from './situation.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that the user must see. */
export interface StepView
  extends Pick<Extract<NextStep, { kind: 'show' }>, 'step' | 'problem' | 'offersGuest'> {
  /** The refused form of this page, whose values the user typed; null without one. */
  typed: Form | null
}

const PAGES: Readonly<Record<Step, (content: PageContent) => StepPage | Promise<StepPage>>> = {
  sign_in: signInPage,
  email_code: emailCodePage,
  select_account: accountPage,
  sign_up: signUpPage,
  sign_up_code: signUpCodePage,
  create_account: createAccountPage,
  second_factor: secondFactorPage,
  email_second_factor: emailSecondFactorPage,
  set_up_second_factor: setUpPage,
  recovery_codes: recoveryCodesPage,
  add_passkey: addPasskeyPage,
  change_password: passwordPage,
  consent: consentPage,
}

/** Shows the page of a step. The form contains the sealed request, so the server stores nothing. */
export async function showStep(
  c: Context,
  view: StepView,
  situation: Situation,
  services: BrowserServices,
): Promise<Response> {
  const looks = await looksOf(c, services)
  const problem = view.problem === null ? null : describeProblem(view.problem, looks, services.config)
  if (view.problem?.kind === 'must_wait') c.header('Retry-After', String(view.problem.seconds))
  const formId = await services.cookies.requireFormId(c)
  const ticketFor = (step: Step) => showTicket(makeTicket({ formId, step }, situation), services)
  const page = await PAGES[view.step]({ ...view, situation, services, looks, problem, formId, ticketFor })
  // Without a script, a screen reader reads the title first.
  const title = problem === null ? page.title : `${problem.text} · ${page.title}`
  const document = (
    <PageFrame title={title} looks={looks} assets={await services.assets.paths()} script={page.script}>
      <form method="post" action={BROWSER_PATH + PATH_OF_STEP[view.step]} class="form">
        {problem === null || problem.field !== null ? null : (
          <p class="note bad" role="alert">
            {problem.text}
          </p>
        )}
        {page.form}
        {await ticketFor(view.step)}
        {page.isFinal ? null : (
          <button type="submit" {...CANCEL} formnovalidate>
            {looks.texts.cancel}
          </button>
        )}
      </form>
      {page.after}
    </PageFrame>
  )
  // Browsers check `form-action` for each redirect after the form, and the last one leads to the client.
  const policy = {
    formTargets: null,
    scripts: page.script === undefined ? [] : [scriptAddress(page.script, services.config)],
  }
  return renderPage(c, {
    document,
    policy,
    openerPolicy: 'unsafe-none',
    ...(problem && { status: problem.status }),
  })
}

/** The hidden field of a form: the request, the browser and the state that the page shows. */
async function showTicket(ticket: FormTicket, { formSealer }: BrowserServices): Promise<Child> {
  return <input type="hidden" name={TICKET_FIELD} value={await sealTicket(ticket, formSealer)} />
}

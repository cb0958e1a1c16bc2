import { breakable } from '../pages/breakable.tsx'
import { Form } from '../pages/form.ts'
import { BROWSER_PATH, SIGN_IN_PATH, SIGN_UP_PATH } from './browser_path.ts'
import { CodeInput } from './code_input.tsx'
import { fieldErrors } from './field_errors.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for the code in the mail. It is the same for every address, also for one that has an account. */
export async function signUpCodePage({
  situation,
  looks: { texts },
  problem,
  ticketFor,
}: PageContent): Promise<StepPage> {
  const state = { form: Form.of({}), problem: fieldErrors(problem) }
  const address = situation.signUp?.requested.name ?? ''
  const form = (
    <>
      <h1>{texts.emailCode.title}</h1>
      <p class="soft">{breakable(texts.signUp.mail(address))}</p>
      <CodeInput state={state} name="email_code" label={texts.emailCode.code} autofocus />
      <button type="submit" class="primary">
        {texts.signUp.submit}
      </button>
    </>
  )
  const after = (
    <>
      <form method="post" action={BROWSER_PATH + SIGN_UP_PATH} class="aside">
        <input type="hidden" name="username" value={address} />
        {await ticketFor('sign_up')}
        <button type="submit" class="link">
          {texts.emailCode.again}
        </button>
      </form>
      <form method="post" action={BROWSER_PATH + SIGN_IN_PATH} class="aside">
        {await ticketFor('sign_in')}
        <button type="submit" name="decision" value="sign_up" class="link">
          {texts.signUp.otherAddress}
        </button>
      </form>
    </>
  )
  return { title: texts.emailCode.title, form, after }
}

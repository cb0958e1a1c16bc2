import { Form } from '../pages/form.ts'
import { BROWSER_PATH, SIGN_IN_PATH } from './browser_path.ts'
import { CodeInput } from './code_input.tsx'
import { fieldErrors } from './field_errors.ts'
import { OtherAccount } from './other_account.tsx'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for the code in the mail. It is the same for every name, also for one without an account. */
export async function emailCodePage({
  situation,
  looks: { texts },
  problem,
  ticketFor,
}: PageContent): Promise<StepPage> {
  const state = { form: Form.of({}), problem: fieldErrors(problem) }
  const name = situation.requestedCode?.name ?? ''
  const form = (
    <>
      <h1>{texts.emailCode.title}</h1>
      <p class="soft">{texts.emailCode.text(name)}</p>
      <CodeInput state={state} name="email_code" label={texts.emailCode.code} autofocus />
      <button type="submit" class="primary">
        {texts.emailCode.submit}
      </button>
    </>
  )
  const after = (
    <>
      <form method="post" action={BROWSER_PATH + SIGN_IN_PATH} class="aside">
        <input type="hidden" name="username" value={name} />
        {await ticketFor('sign_in')}
        <button type="submit" name="decision" value="email_code" class="link">
          {texts.emailCode.again}
        </button>
      </form>
      <OtherAccount ticket={await ticketFor('select_account')} label={texts.emailCode.other} />
    </>
  )
  return { title: texts.emailCode.title, form, after }
}

import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { fieldErrors } from './field_errors.ts'
import { OtherAccount } from './other_account.tsx'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks a visitor for the address of a new account. */
export async function signUpPage({
  situation,
  looks: { texts },
  typed,
  problem,
  ticketFor,
}: PageContent): Promise<StepPage> {
  const { request, client } = situation.browserRequest
  const username = typed?.text('username') ?? request.loginHint ?? ''
  const state = { form: Form.of({ username }), problem: fieldErrors(problem) }
  const form = (
    <>
      <h1>{texts.signUp.title}</h1>
      <p class="soft">{texts.signIn.to(client.name)}</p>
      <Input
        state={state}
        name="username"
        label={texts.signUp.address}
        hint={texts.signUp.hint}
        inputmode="email"
        autocomplete="email"
        autocapitalize="none"
        spellcheck={false}
        required
        autofocus
      />
      <button type="submit" class="primary">
        {texts.signUp.submit}
      </button>
    </>
  )
  const after = <OtherAccount ticket={await ticketFor('select_account')} label={texts.signUp.signIn} />
  return { title: texts.signUp.title, form, after }
}

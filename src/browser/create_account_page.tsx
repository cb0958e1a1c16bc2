import { MAX_NAME_CHARACTERS } from '../accounts/sign_up.ts'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { fieldErrors } from './field_errors.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for the password of a new account. Password managers need the username to store it. */
export function createAccountPage({ situation, looks: { texts }, typed, problem }: PageContent): StepPage {
  const username = situation.signUp?.proven?.address ?? ''
  const state = {
    form: Form.of({ username, name: typed?.text('name') ?? '' }),
    problem: fieldErrors(problem),
  }
  const password = { state, type: 'password', required: true, autocomplete: 'new-password' } as const
  const form = (
    <>
      <h1>{texts.createAccount.title}</h1>
      <Input state={state} name="username" label={texts.signUp.address} autocomplete="username" readonly />
      <Input
        state={state}
        name="name"
        label={texts.createAccount.name}
        autocomplete="name"
        maxlength={MAX_NAME_CHARACTERS}
        autofocus={problem === null}
      />
      <Input {...password} name="password" label={texts.signIn.password} />
      <Input {...password} name="repeated" label={texts.createAccount.again} />
      <button type="submit" class="primary">
        {texts.createAccount.submit}
      </button>
    </>
  )
  return { title: texts.createAccount.title, form }
}

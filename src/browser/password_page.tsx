import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { fieldErrors } from './field_errors.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for a new password. Password managers need the username to store it. */
export function passwordPage({ situation, looks: { texts }, problem }: PageContent): StepPage {
  const username = situation.signedIn?.user.username ?? ''
  const state = { form: Form.of({ username }), problem: fieldErrors(problem) }
  const field = { state, type: 'password', required: true } as const
  const form = (
    <>
      <h1>{texts.password.title}</h1>
      <p>{texts.password.reason}</p>
      <Input state={state} name="username" label={texts.username} autocomplete="username" readonly />
      <Input
        {...field}
        name="current_password"
        label={texts.password.current}
        autocomplete="current-password"
        autofocus={problem === null}
      />
      <Input {...field} name="password" label={texts.password.next} autocomplete="new-password" />
      <Input {...field} name="repeated" label={texts.password.again} autocomplete="new-password" />
      <button type="submit" class="primary">
        {texts.password.submit}
      </button>
    </>
  )
  return { title: texts.password.title, form }
}

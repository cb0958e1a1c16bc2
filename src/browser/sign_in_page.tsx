import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { offersEmailCode } from './email_code_forms.ts'
import { fieldErrors } from './field_errors.ts'
import { OwnText } from './own_text.tsx'
import { offersSignUp } from './sign_up_forms.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for username and password. The browser focuses the first field that the user must fill. */
export function signInPage({
  situation,
  looks,
  offersGuest,
  typed,
  problem,
  services,
}: PageContent): StepPage {
  const { request, client } = situation.browserRequest
  const { texts, branding, language } = looks
  const name = typed?.text('username') ?? request.loginHint ?? ''
  const state = { form: Form.of({ username: name }), problem: fieldErrors(problem) }
  const own = branding?.texts ?? null
  const form = (
    <>
      <h1>{texts.signIn.title}</h1>
      <p class="soft">{texts.signIn.to(client.name)}</p>
      {own?.signIn ? (
        <p>
          <OwnText texts={own.signIn} language={language} />
        </p>
      ) : null}
      <Input
        state={state}
        name="username"
        label={own?.username ? <OwnText texts={own.username} language={language} /> : texts.username}
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
        autofocus={name === ''}
      />
      <Input
        state={state}
        name="password"
        label={texts.signIn.password}
        type="password"
        autocomplete="current-password"
        required
        autofocus={name !== ''}
      />
      <button type="submit" class="primary">
        {texts.signIn.title}
      </button>
      {offersEmailCode(situation, services) ? (
        <button type="submit" name="decision" value="email_code" formnovalidate>
          {texts.signIn.emailCode}
        </button>
      ) : null}
      {offersSignUp(situation, services) ? (
        <button type="submit" name="decision" value="sign_up" formnovalidate>
          {texts.signIn.signUp}
        </button>
      ) : null}
      {offersGuest ? (
        <button type="submit" name="decision" value="guest" formnovalidate>
          {texts.signIn.guest}
        </button>
      ) : null}
    </>
  )
  return { title: texts.signIn.title, form }
}

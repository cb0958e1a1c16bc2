import { accountPathOf, FORGOTTEN_PASSWORD_PATH } from '../config/account_path.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { offersEmailCode } from './email_code_forms.ts'
import { fieldErrors } from './field_errors.ts'
import { OwnText } from './own_text.tsx'
import { STATE_PARAMETER } from './page_link.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for username and password. The browser focuses the first field that the user must fill. */
export async function signInPage({
  situation,
  looks,
  offersGuest,
  typed,
  problem,
  services,
  stateFor,
}: PageContent): Promise<StepPage> {
  const { request, client, api } = situation.browserRequest
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
      {accountsOf(api.userPool, services.config).selfService ? (
        <p>
          <a href={forgottenPasswordUrl(api.userPool, await stateFor('sign_in'))}>{texts.forgotten.link}</a>
        </p>
      ) : null}
      {offersEmailCode(situation, services) ? (
        <button type="submit" name="decision" value="email_code" formnovalidate>
          {texts.signIn.emailCode}
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

/** The page of a forgotten password. It leads back to this sign-in. */
function forgottenPasswordUrl(pool: string, state: string): string {
  const query = new URLSearchParams({ [STATE_PARAMETER]: state })
  return `${accountPathOf(pool)}${FORGOTTEN_PASSWORD_PATH}?${query}`
}

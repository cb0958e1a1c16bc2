import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { PASSKEY_SCRIPT } from './browser_path.ts'
import { offersEmailCode } from './email_code_forms.ts'
import { fieldErrors } from './field_errors.ts'
import { forgottenPasswordLink } from './forgotten_password_link.tsx'
import { OwnText } from './own_text.tsx'
import { DeviceReport, PasskeyButton, UnknownPasskey } from './passkey_button.tsx'
import { startSignIn } from './prove_passkey.ts'
import { offersSignUp } from './sign_up_forms.ts'
import type { PageContent, StepPage } from './step_page.ts'

/**
 * The page that asks for username and password. The browser focuses the first field that the user must fill. The page is the same
 * for every account: any passkey of the pool can sign in.
 */
export async function signInPage({
  situation,
  looks,
  offersGuest,
  typed,
  problem,
  services,
  formId,
}: PageContent): Promise<StepPage> {
  const { request, client } = situation.browserRequest
  const { texts, branding, language } = looks
  const name = typed?.text('username') ?? request.loginHint ?? ''
  const state = { form: Form.of({ username: name }), problem: fieldErrors(problem) }
  const own = branding?.texts ?? null
  const passkey = await startSignIn(situation, formId, services)
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
        autocomplete={passkey === null ? 'username' : 'username webauthn'}
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
      {await forgottenPasswordLink({ situation, looks, services, formId })}
      {passkey === null ? null : (
        <>
          <DeviceReport />
          {problem?.unknownPasskey === undefined ? null : (
            <UnknownPasskey rpId={passkey.options.rpId} credentialId={problem.unknownPasskey} />
          )}
          <PasskeyButton
            ceremony="get"
            started={passkey}
            label={texts.signIn.passkey}
            failure={texts.passkey.notUsed}
            isConditional
          />
        </>
      )}
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
  return { title: texts.signIn.title, form, script: passkey === null ? undefined : PASSKEY_SCRIPT }
}

import { MAX_NAME_CHARACTERS } from '../accounts/sign_up.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { PASSKEY_SCRIPT } from './browser_path.ts'
import { fieldErrors } from './field_errors.ts'
import { DeviceReport } from './passkey_button.tsx'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for the password of a new account. Password managers need the username to store it. */
export function createAccountPage({
  situation,
  looks: { texts },
  typed,
  problem,
  services: { config },
}: PageContent): StepPage {
  const hasPasskeys = accountsOf(situation.browserRequest.api.userPool, config).passkeys !== null
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
      {hasPasskeys ? <DeviceReport /> : null}
      <button type="submit" class="primary">
        {texts.createAccount.submit}
      </button>
    </>
  )
  return { title: texts.createAccount.title, form, script: hasPasskeys ? PASSKEY_SCRIPT : undefined }
}

import { breakable } from '../pages/breakable.tsx'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { BROWSER_PATH, SECOND_FACTOR_PATH } from './browser_path.ts'
import { CodeInput } from './code_input.tsx'
import { fieldErrors } from './field_errors.ts'
import { OtherAccount } from './other_account.tsx'
import { userOf } from './situation.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for a code of the authenticator app, or for a recovery code in its place. */
export async function secondFactorPage({
  situation,
  looks: { texts },
  problem,
  ticketFor,
}: PageContent): Promise<StepPage> {
  const state = { form: Form.of({}), problem: fieldErrors(problem) }
  const isRecovery = problem?.field === 'recovery_code'
  const name = userOf(situation)?.username ?? ''
  const form = (
    <>
      <h1>{texts.secondFactor.title}</h1>
      <p class="soft">{breakable(texts.secondFactor.text(name))}</p>
      <CodeInput state={state} name="totp" label={texts.secondFactor.code} autofocus={!isRecovery} />
      <button type="submit" class="primary">
        {texts.secondFactor.submit}
      </button>
    </>
  )
  const after = (
    <>
      <details class="aside" open={isRecovery}>
        <summary>{texts.secondFactor.lost}</summary>
        <form method="post" action={BROWSER_PATH + SECOND_FACTOR_PATH} class="form">
          <Input
            state={state}
            name="recovery_code"
            label={texts.secondFactor.recoveryCode}
            hint={texts.secondFactor.recoveryHint}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            required
          />
          {await ticketFor('second_factor')}
          <button type="submit">{texts.secondFactor.submitRecovery}</button>
        </form>
      </details>
      <OtherAccount ticket={await ticketFor('select_account')} label={texts.useAnotherAccount} />
    </>
  )
  return { title: texts.secondFactor.title, form, after }
}

import { breakable } from '../pages/breakable.tsx'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { usableFactors } from '../signin/usable_factors.ts'
import { BROWSER_PATH, PASSKEY_SCRIPT, SECOND_FACTOR_PATH } from './browser_path.ts'
import { CodeInput } from './code_input.tsx'
import { fieldErrors } from './field_errors.ts'
import { OtherAccount } from './other_account.tsx'
import { NoPasskeys, PasskeyButton } from './passkey_button.tsx'
import { startSecondPasskey } from './prove_passkey.ts'
import { userOf } from './situation.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that asks for a code of the authenticator app, or for a recovery code in its place. */
export async function secondFactorPage({
  situation,
  looks: { texts },
  problem,
  ticketFor,
  formId,
  services,
}: PageContent): Promise<StepPage> {
  const { user } = situation.known
  if (user === null) throw new Error('the page of the second factor has no user')
  const usable = usableFactors(user)
  const passkey = usable.passkey
    ? await startSecondPasskey(user.subject, { situation, formId }, services)
    : null
  const state = { form: Form.of({}), problem: fieldErrors(problem) }
  const isRecovery = problem?.field === 'recovery_code'
  const name = userOf(situation)?.username ?? ''
  const form = (
    <>
      <h1>{texts.secondFactor.title}</h1>
      {usable.app ? (
        <>
          <p class="soft">{breakable(texts.secondFactor.text(name))}</p>
          <CodeInput state={state} name="totp" label={texts.secondFactor.code} autofocus={!isRecovery} />
          <button type="submit" class="primary">
            {texts.secondFactor.submit}
          </button>
        </>
      ) : (
        <>
          <p class="soft">{breakable(texts.secondFactor.byPasskey(name))}</p>
          <NoPasskeys text={texts.passkey.unsupported} />
        </>
      )}
      {passkey === null ? null : (
        <PasskeyButton
          ceremony="get"
          started={passkey}
          label={texts.secondFactor.passkey}
          failure={texts.passkey.notUsed}
          isPrimary={!usable.app}
        />
      )}
    </>
  )
  const after = (
    <>
      {usable.app ? (
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
      ) : null}
      <OtherAccount ticket={await ticketFor('select_account')} label={texts.useAnotherAccount} />
    </>
  )
  const script = passkey === null ? undefined : PASSKEY_SCRIPT
  return { title: texts.secondFactor.title, form, after, script }
}

import { PASSKEY_SCRIPT } from './browser_path.ts'
import { LATER, needsPasskey, startRegistration } from './new_passkey_forms.ts'
import { NoPasskeys, PasskeyButton } from './passkey_button.tsx'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that adds a passkey: as an offer, which the user can refuse, or because the sign-in needs one. */
export async function addPasskeyPage(content: PageContent): Promise<StepPage> {
  const { texts } = content.looks
  const isNeeded = needsPasskey(content.situation)
  const started = await startRegistration(content)
  const form = (
    <>
      <h1>{texts.addPasskey.title}</h1>
      <p>{isNeeded ? texts.addPasskey.reason : texts.addPasskey.offer}</p>
      <NoPasskeys text={texts.passkey.unsupported} />
      {started === null ? null : (
        <PasskeyButton
          ceremony="create"
          started={started}
          label={texts.addPasskey.submit}
          failure={texts.addPasskey.notCreated}
          isPrimary
        />
      )}
      {isNeeded ? null : (
        <button type="submit" name="decision" value={LATER} formnovalidate>
          {texts.addPasskey.later}
        </button>
      )}
    </>
  )
  return { title: texts.addPasskey.title, form, isFinal: !isNeeded, script: PASSKEY_SCRIPT }
}

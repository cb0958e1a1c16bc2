import { PASSKEY_SCRIPT } from './browser_path.ts'
import { LATER, needsPasskey, startRegistration } from './new_passkey_forms.ts'
import { NewPasskeyButton, NoPasskeys } from './passkey_button.tsx'
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
      {started === null ? null : <NewPasskeyButton started={started} texts={texts.addPasskey} isPrimary />}
      {isNeeded ? null : (
        <button type="submit" name="decision" value={LATER} formnovalidate>
          {texts.addPasskey.later}
        </button>
      )}
    </>
  )
  return { title: texts.addPasskey.title, form, isFinal: !isNeeded, script: PASSKEY_SCRIPT }
}

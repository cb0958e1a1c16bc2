import type { StartedEnrolment } from '../factors/authenticator_apps.ts'
import { Form } from '../pages/form.ts'
import { hasProvenPasskey } from '../signin/describe_methods.ts'
import { PASSKEY_SCRIPT } from './browser_path.ts'
import { ENROLMENT_FIELD, EnrolmentFields } from './enrolment_fields.tsx'
import { fieldErrors } from './field_errors.ts'
import { startRegistration } from './new_passkey_forms.ts'
import { NewPasskeyButton } from './passkey_button.tsx'
import { userOf } from './situation.ts'
import type { PageContent, StepPage } from './step_page.ts'

/** The page that sets up an authenticator app: the QR code, the key as text, and the first code. */
export async function setUpPage(content: PageContent): Promise<StepPage> {
  const { texts } = content.looks
  const enrolment = await enrolmentOf(content)
  const passkey = canAddPasskey(content) ? await startRegistration(content) : null
  const state = { form: Form.of({}), problem: fieldErrors(content.problem) }
  const form = (
    <>
      <h1>{texts.setUp.title}</h1>
      <p>{texts.setUp.reason}</p>
      <EnrolmentFields enrolment={enrolment} state={state} texts={texts.setUp} />
      <button type="submit" class="primary">
        {texts.setUp.submit}
      </button>
      {passkey === null ? null : (
        <NewPasskeyButton started={passkey} texts={texts.addPasskey} label={texts.setUp.passkey} />
      )}
    </>
  )
  return { title: texts.setUp.title, form, script: passkey === null ? undefined : PASSKEY_SCRIPT }
}

/** Whether the user can add a passkey in place of the app. After a passkey, a passkey would be the same factor. */
function canAddPasskey({ situation: { known } }: PageContent): boolean {
  const { user } = known
  if (user === null) return false
  return user.secondFactor.allowsPasskey && !hasProvenPasskey(user)
}

/** The secret of the refused form, so that the user need not scan again; otherwise a new one. */
async function enrolmentOf({ situation, looks, typed, services }: PageContent): Promise<StartedEnrolment> {
  const { now } = situation.browserRequest.context
  const user = userOf(situation)
  if (user === null) throw new Error('the page of a new second factor has no user')
  const names = { subject: user.id, account: user.username, service: looks.name }
  const sealed = typed?.text(ENROLMENT_FIELD) ?? ''
  const { authenticatorApps } = services
  const continued = sealed === '' ? null : await authenticatorApps.continue({ sealed, ...names }, now)
  return continued ?? authenticatorApps.start(names, now)
}

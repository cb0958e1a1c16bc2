import type { Child } from 'hono/jsx'
import { ENROLMENT_FIELD, EnrolmentFields } from '../browser/enrolment_fields.tsx'
import { looksOf } from '../browser/looks.ts'
import { RecoveryCodeList } from '../browser/recovery_code_list.tsx'
import { accountPathOf } from '../config/account_path.ts'
import type { UserRequest } from './account_request.ts'
import { keepSecondFactor } from './keep_browser_session.ts'
import {
  appOf,
  confirmApp,
  findRemainingWithoutApp,
  removeApp,
  renewCodes,
  startApp,
} from './operations/own_second_factor.ts'
import { showOnce, type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

const PATH = '/second-factor'
const RENEW = 'renew'
const REMOVE = 'remove'

/** The page with the authenticator app of the user. */
export const secondFactorPage = userPage({
  path: PATH,
  section: 'secondFactor',
  isSensitive: true,
  isFor: (request) => appOf(request).isAllowed,
  keptFields: [ENROLMENT_FIELD],
  show: showSecondFactor,
  async submit(request, form) {
    const decision = form.text('decision')
    if (decision === RENEW) return { response: await showCodes(await renewCodes(request), request) }
    if (decision === REMOVE) {
      await removeApp(request)
      return { notice: 'appRemoved' }
    }
    const codes = await confirmApp({ sealed: form.text(ENROLMENT_FIELD), code: form.text('totp') }, request)
    await keepSecondFactor(request)
    return { response: await showCodes(codes, request) }
  },
})

async function showSecondFactor(content: UserPageContent): Promise<UserPageView> {
  const { request, texts, state, PageForm } = content
  const { isSetUp } = appOf(request)
  const canRemove = isSetUp && (await findRemainingWithoutApp(request)) !== null
  const { secondFactor: words } = texts
  const body = isSetUp ? (
    <>
      <p>{words.has}</p>
      <PageForm>
        <p>{words.newCodesText}</p>
        <button type="submit" name="decision" value={RENEW}>
          {words.newCodes}
        </button>
      </PageForm>
      <details class="aside" open={state.form.has(ENROLMENT_FIELD)}>
        <summary>{words.replace}</summary>
        {await showSetUp(content)}
      </details>
      {canRemove ? (
        <PageForm>
          <p>{words.removeText}</p>
          <button type="submit" name="decision" value={REMOVE}>
            {words.remove}
          </button>
        </PageForm>
      ) : (
        <p>{words.required}</p>
      )}
    </>
  ) : (
    <>
      <p>{words.none}</p>
      {await showSetUp(content)}
    </>
  )
  return { title: texts.sections.secondFactor, body }
}

/** The form of a new app. */
async function showSetUp({ request, looks, state, PageForm }: UserPageContent): Promise<Child> {
  const sealed = state.form.text(ENROLMENT_FIELD)
  const enrolment = await startApp({ service: looks.name, sealed }, request)
  const { setUp } = looks.texts
  return (
    <PageForm>
      <EnrolmentFields enrolment={enrolment} state={state} texts={setUp} />
      <button type="submit" class="primary">
        {setUp.submit}
      </button>
    </PageForm>
  )
}

/** The page with new recovery codes. It has no URL, because the user sees the codes once. */
async function showCodes(codes: readonly string[], request: UserRequest): Promise<Response> {
  const { texts } = await looksOf(request.c, request.services)
  const body = (
    <>
      <p>{texts.recoveryCodes.text}</p>
      <RecoveryCodeList codes={codes} />
      <a class="button primary" href={accountPathOf(request.pool) + PATH}>
        {texts.recoveryCodes.submit}
      </a>
    </>
  )
  return showOnce({ title: texts.recoveryCodes.title, body }, request)
}

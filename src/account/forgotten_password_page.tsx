import { fieldErrors } from '../browser/field_errors.ts'
import { InputRefused } from '../browser/input_refused.ts'
import { languageOf, looksOf } from '../browser/looks.ts'
import { OwnText } from '../browser/own_text.tsx'
import { STATE_PARAMETER, signInUrlOf } from '../browser/page_link.ts'
import { problemOf } from '../browser/problem_of.ts'
import { accountPathOf, FORGOTTEN_PASSWORD_PATH } from '../config/account_path.ts'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import type { Texts } from '../pages/languages/en.ts'
import { readForm } from '../pages/read_form.ts'
import { readTypedName } from '../signin/email_codes.ts'
import type { AccountPage } from './account_page.ts'
import type { AccountRequest } from './account_request.ts'
import { goToOpenPage, readProblem, showOpenPage } from './link_page.tsx'

const SENT_PATH = `${FORGOTTEN_PASSWORD_PATH}/sent`

/** The page on which a user requests a link to a new password. */
export const forgottenPasswordPage: AccountPage = {
  path: FORGOTTEN_PASSWORD_PATH,
  needsMail: true,
  GET: showForm,
  POST: submit,
}

/** The page after the request. It is the same for each name. */
export const forgottenPasswordSentPage: AccountPage = { path: SENT_PATH, needsMail: true, GET: showSent }

async function showForm(request: AccountRequest): Promise<Response> {
  const { c, pool, services } = request
  const looks = await looksOf(c, services)
  const { texts, branding, language } = looks
  const problem = await readProblem(request, looks)
  const own = branding?.texts?.username ?? null
  const back = await signInUrlOf(stateOf(request), services)
  const body = (
    <>
      <form method="post" action={accountPathOf(pool) + FORGOTTEN_PASSWORD_PATH} class="form">
        <p>{texts.forgotten.text}</p>
        <Input
          state={{ form: Form.of({}), problem: fieldErrors(problem) }}
          name="username"
          label={own === null ? texts.username : <OwnText texts={own} language={language} />}
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
          autofocus={problem === null}
        />
        {back === null ? null : <input type="hidden" name={STATE_PARAMETER} value={stateOf(request)} />}
        <button type="submit" class="primary">
          {texts.forgotten.submit}
        </button>
      </form>
      {back === null ? null : <BackToSignIn href={back} texts={texts} />}
    </>
  )
  return showOpenPage(request, { title: texts.forgotten.title, body, problem })
}

async function submit(request: AccountRequest): Promise<Response> {
  const form = await readForm(request.c)
  const state = form.text(STATE_PARAMETER)
  const isOurs = (await signInUrlOf(state, request.services)) !== null
  const parameters: Record<string, string> = isOurs ? { [STATE_PARAMETER]: state } : {}
  try {
    await requestLink(form, request)
  } catch (error) {
    const problem = problemOf(error)
    if (problem === null) throw error
    return goToOpenPage({ path: FORGOTTEN_PASSWORD_PATH, parameters, problem }, request)
  }
  return goToOpenPage({ path: SENT_PATH, parameters }, request)
}

/** @throws InputRefused, OAuthError too_many_attempts */
async function requestLink(form: Form, { c, pool, api, context, services }: AccountRequest): Promise<void> {
  const name = readTypedName(form.text('username'))
  if (name === null) throw new InputRefused({ kind: 'missing_name' })
  const language = languageOf(c)
  const device = await services.cookies.device(pool).read(c)
  await services.passwordLinks.request({ pool, api: api.name, name, language, device }, context)
}

async function showSent(request: AccountRequest): Promise<Response> {
  const { texts } = await looksOf(request.c, request.services)
  const back = await signInUrlOf(stateOf(request), request.services)
  const body = (
    <>
      <p>{texts.forgotten.sent}</p>
      {back === null ? null : <BackToSignIn href={back} texts={texts} />}
    </>
  )
  return showOpenPage(request, { title: texts.emailCode.title, body })
}

/** A link to the sign-in from which the user came. */
function BackToSignIn({ href, texts }: { href: string; texts: Texts }) {
  return (
    <p>
      <a href={href}>{texts.forgotten.back}</a>
    </p>
  )
}

function stateOf({ c }: AccountRequest): string {
  return c.req.query(STATE_PARAMETER) ?? ''
}

import { LINK_PARAMETER } from '../accounts/account_links.ts'
import { INVITATION, type PasswordLinkKind, RESET_PASSWORD } from '../accounts/link_kinds.ts'
import { setPasswordByLink } from '../accounts/set_password.ts'
import { fieldErrors } from '../browser/field_errors.ts'
import { InputRefused } from '../browser/input_refused.ts'
import { looksOf } from '../browser/looks.ts'
import { problemOf } from '../browser/problem_of.ts'
import { accountPathOf } from '../config/account_path.ts'
import { accountsOf } from '../config/pool_settings.ts'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import type { Texts } from '../pages/languages/en.ts'
import { readForm } from '../pages/read_form.ts'
import type { User } from '../users/user.ts'
import type { AccountPage } from './account_page.ts'
import type { AccountRequest } from './account_request.ts'
import { goToOpenPage, readProblem, showOpenPage, showVoidLink } from './link_page.tsx'

const DONE_PATH = '/password-set'

/** The pages on which a user sets a password by a link: after a forgotten password, and after an invitation. */
export const newPasswordPages: readonly AccountPage[] = [
  pageOf(RESET_PASSWORD),
  pageOf(INVITATION),
  { path: DONE_PATH, isAlwaysOn: true, GET: showDone },
]

/** Operators send both links, so the pages do not need `self_service`. */
function pageOf(kind: PasswordLinkKind): AccountPage {
  return {
    path: `/${kind.page}`,
    isAlwaysOn: true,
    GET: (request) => showForm(kind, request),
    POST: (request) => submit(kind, request),
  }
}

/** Shows the form. It changes nothing, because link scanners open links in mails. */
async function showForm(kind: PasswordLinkKind, request: AccountRequest): Promise<Response> {
  const { c, pool, context, services } = request
  const token = c.req.query(LINK_PARAMETER) ?? ''
  const link = await services.links.find(kind, { token, pool }, context.now)
  if (link === null) return showVoidLink(request)
  const looks = await looksOf(c, services)
  const { texts } = looks
  const words = wordsOf(link.user, texts)
  const problem = await readProblem(request, looks)
  const state = { form: Form.of({ username: link.user.username }), problem: fieldErrors(problem) }
  const field = { state, type: 'password', autocomplete: 'new-password', required: true } as const
  const body = (
    <form method="post" action={`${accountPathOf(pool)}/${kind.page}`} class="form">
      {words.effect === null ? null : <p>{words.effect}</p>}
      <input type="hidden" name={LINK_PARAMETER} value={token} />
      <Input state={state} name="username" label={texts.username} autocomplete="username" readonly />
      <Input {...field} name="password" label={words.password} autofocus={problem === null} />
      <Input {...field} name="repeated" label={words.again} />
      <button type="submit" class="primary">
        {texts.password.submit}
      </button>
    </form>
  )
  return showOpenPage(request, { title: words.title, body, problem })
}

/** The words of the form. A user whose password has never been used here, such as an invited user, chooses the first one. */
function wordsOf({ isHashReplaceable: isFirst }: Pick<User, 'isHashReplaceable'>, texts: Texts) {
  const { createAccount, newPassword, password, signIn } = texts
  return isFirst
    ? { title: createAccount.title, effect: null, password: signIn.password, again: createAccount.again }
    : { title: password.title, effect: newPassword.text, password: password.next, again: password.again }
}

async function submit(kind: PasswordLinkKind, request: AccountRequest): Promise<Response> {
  const form = await readForm(request.c)
  const token = form.text(LINK_PARAMETER)
  try {
    const isSet = await setPassword(kind, form, request)
    return isSet ? goToOpenPage({ path: DONE_PATH, parameters: {} }, request) : showVoidLink(request)
  } catch (error) {
    const problem = problemOf(error)
    if (problem === null) throw error
    const { pool, context, services } = request
    // The URL of the next page must not have a text that is no token.
    if ((await services.links.find(kind, { token, pool }, context.now)) === null) return showVoidLink(request)
    const parameters = { [LINK_PARAMETER]: token }
    return goToOpenPage({ path: `/${kind.page}`, parameters, problem }, request)
  }
}

/** @returns false if the link cannot be used @throws InputRefused, PasswordRefused, OAuthError, StorageUnavailable, CorruptRecord */
async function setPassword(
  kind: PasswordLinkKind,
  form: Form,
  { pool, api, context, services }: AccountRequest,
): Promise<boolean> {
  const password = form.text('password')
  if (password !== form.text('repeated')) throw new InputRefused({ kind: 'different_passwords' })
  const linked = { kind, token: form.text(LINK_PARAMETER), pool, api: api.name, clientId: null, password }
  return (await setPasswordByLink(linked, services, context)) !== null
}

async function showDone(request: AccountRequest): Promise<Response> {
  const { c, pool, services } = request
  const { newPassword, signIn } = (await looksOf(c, services)).texts
  const body = (
    <>
      <p>{newPassword.done}</p>
      {accountsOf(pool, services.config).selfService ? (
        <p>
          <a href={accountPathOf(pool)}>{signIn.title}</a>
        </p>
      ) : null}
    </>
  )
  return showOpenPage(request, { title: newPassword.doneTitle, body })
}

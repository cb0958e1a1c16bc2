import { compact } from '../lib/compact.ts'
import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { ActionForm } from './action_form.tsx'
import { AdminProblem } from './admin_problem.ts'
import { formatPasswordLength } from './new_user_page.tsx'
import { type ConsoleOperator, goTo, type Page, type PageRequest, type PageResponse } from './page.ts'
import { Heading, ProblemNote } from './parts.tsx'
import { tokensSchema } from './token_client.ts'

const FIELDS = [
  { name: 'current_password', label: 'Current password', id: 'current_password' },
  { name: 'password', label: 'New password', id: 'password' },
]

const passwordPage: Page = {
  method: 'GET',
  path: '/password',
  role: 'support',
  async handle(request) {
    return showForm(request, { problem: null, isRepeatedWrong: false })
  },
}

const changePassword: Page = {
  method: 'POST',
  path: '/password',
  role: 'support',
  async handle(request) {
    const { admin, form } = request
    const password = form.text('password')
    if (password !== form.text('repeated')) return showForm(request, { problem: null, isRepeatedWrong: true })
    const body = { current_password: form.text('current_password'), password }
    const outcome = await admin.change('/me/password', tokensSchema, { body })
    if (outcome instanceof AdminProblem)
      return showForm(request, { problem: outcome, isRepeatedWrong: false })
    return { ...goTo('', 'own-password-set'), tokens: outcome }
  },
}

export const PASSWORD_PAGES: readonly Page[] = [passwordPage, changePassword]

function showForm(
  { operator, config, csrfToken: csrf }: PageRequest,
  { problem, isRepeatedWrong }: { problem: AdminProblem | null; isRepeatedWrong: boolean },
): PageResponse {
  const state = { form: Form.of({}), problem }
  const status = isRepeatedWrong ? 422 : problem?.status
  return compact({
    title: 'Your password',
    status,
    body: (
      <>
        <Heading
          title="Your password"
          lead={`The password of ${operator.username}. A change ends all your other sessions.`}
        />
        <WhyNow operator={operator} />
        {problem === null ? null : <ProblemNote problem={problem.inOrder(FIELDS)} fields={FIELDS} />}
        {isRepeatedWrong ? (
          <p class="note bad" role="alert">
            The two new passwords differ. Nothing was saved.
          </p>
        ) : null}
        <ActionForm csrf={csrf} action="/password">
          <Input
            state={state}
            type="password"
            name="current_password"
            label="Current password"
            autocomplete="current-password"
            required
          />
          <Input
            state={state}
            type="password"
            name="password"
            label="New password"
            hint={formatPasswordLength(config)}
            autocomplete="new-password"
            required
          />
          <Input
            state={state}
            type="password"
            name="repeated"
            label="Repeat the new password"
            autocomplete="new-password"
            required
          />
          <button type="submit" class="primary">
            Change password
          </button>
        </ActionForm>
      </>
    ),
  })
}

/** The reason for a required password change. */
function WhyNow({ operator: { mustChangePassword, passwordBreached } }: { operator: ConsoleOperator }) {
  if (!mustChangePassword && !passwordBreached) return null
  return (
    <p class="note warn" role="status">
      {passwordBreached
        ? 'Your password is in a list of breached passwords, which attackers try first.'
        : null}
      {mustChangePassword ? ' You must set a new password before you can do anything else.' : null}
    </p>
  )
}

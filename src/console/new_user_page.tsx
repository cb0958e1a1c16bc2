import { poolsOf } from '../admin/known_values.ts'
import { userSchema } from '../admin/user_schemas.ts'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { Choices, type FieldState, Input } from '../pages/fields.tsx'
import type { Form } from '../pages/form.ts'
import { findPasswordLengthProblem } from '../users/create_user.ts'
import { MAX_PASSWORD_CHARACTERS } from '../users/password.ts'
import { ActionForm, IDEMPOTENCY_FIELD } from './action_form.tsx'
import { pathOf } from './admin_client.ts'
import { AdminProblem, OWN_PASSWORD_FIELD } from './admin_problem.ts'
import { goTo, type Page, type PageRequest, type PageResponse } from './page.ts'
import { Heading, ProblemNote } from './parts.tsx'
import { SWITCH_FIELD, SwitchTabs, switchTo } from './switch_tabs.tsx'
import { OwnPasswordForRoles, USER_FIELDS, UserFields, userOf } from './user_form.tsx'

/** The button that sends an invitation in place of a password. */
const INVITE_FIELD = 'invite'

/** The address that gets the invitation. */
const ADDRESS_FIELD = 'profile.email'

const newUserPage: Page = {
  method: 'GET',
  path: '/users/new',
  role: 'admin',
  async handle(request) {
    const pools = poolsOf(request.config)
    const requested = request.query.text('pool')
    const pool = pools.includes(requested) ? requested : (pools[0] ?? '')
    // The URL of `switchTo` has the typed values.
    return showForm(request, pool, { form: request.query, problem: null })
  },
}

const createUser: Page = {
  method: 'POST',
  path: '/users/new',
  role: 'admin',
  async handle(request) {
    const { admin, form, config } = request
    const switched = form.text(SWITCH_FIELD)
    if (poolsOf(config).includes(switched)) {
      // The roles of operators and of other users have different fields.
      const typed = form.with({ roles: [] })
      const redirect = switchTo('/users/new', typed, ['pool', switched])
      return redirect ?? showForm(request, switched, { form: typed, problem: null })
    }
    const pool = form.text('pool')
    const isInvited = form.isChecked(INVITE_FIELD)
    const user = { pool, ...userOf(form, pool === config.adminApi?.userPool) }
    const created = await admin.change(isInvited ? '/users/invite' : '/users', userSchema, {
      body: isInvited ? user : { ...user, ...passwordOf(form) },
      idempotencyKey: form.text(IDEMPOTENCY_FIELD),
      ownPassword: form.text(OWN_PASSWORD_FIELD),
    })
    if (created instanceof AdminProblem) {
      const problem = isInvited ? withMissingAddress(created, form) : withPasswordLength(created, request)
      return showForm(request, pool, { form, problem })
    }
    return goTo(pathOf`/users/${created.id}`, isInvited ? 'user-invited' : 'user-created')
  },
}

export const NEW_USER_PAGES: readonly Page[] = [newUserPage, createUser]

function passwordOf(form: Form) {
  return { password: form.text('password'), must_change_password: form.isChecked('must_change_password') }
}

function showForm(
  { config, csrfToken: csrf }: PageRequest,
  pool: string,
  state: FieldState<AdminProblem>,
): PageResponse {
  const { problem } = state
  const isOperator = pool === config.adminApi?.userPool
  return compact({
    title: 'New user',
    status: problem === null ? undefined : problem.status,
    body: (
      <>
        <Heading title="New user" lead="A user who signs in with a username and a password." />
        {problem === null ? null : (
          <ProblemNote problem={problem.inOrder(USER_FIELDS)} fields={USER_FIELDS} />
        )}
        <ActionForm csrf={csrf} action="/users/new" isSentOnce>
          <input type="hidden" name="pool" value={pool} />
          <SwitchTabs label="Pool" names={poolsOf(config)} selected={pool} submit="Create user" />
          <UserFields state={state} isOperator={isOperator} />
          <PasswordFields state={state} config={config} />
          {isOperator ? <OwnPasswordForRoles problem={problem} /> : null}
          <button type="submit" class="primary">
            Create user
          </button>
          {config.mail === null ? null : (
            <button type="submit" name={INVITE_FIELD} value="yes" formnovalidate>
              Invite by mail, without a password
            </button>
          )}
        </ActionForm>
      </>
    ),
  })
}

/** Says what an empty field of the address is for. The admin API has no other error about it. */
function withMissingAddress(problem: AdminProblem, form: Form): AdminProblem {
  if (form.text(ADDRESS_FIELD).trim() !== '') return problem
  return problem.withMessage(
    [ADDRESS_FIELD],
    'Type the email address of the user, which gets the invitation.',
  )
}

/**
 * Adds the error about the length of the new password to a refusal of the operator's own password. The admin API checks the
 * own password first, so its refusal does not contain that error.
 */
export function withPasswordLength(problem: AdminProblem, { form, config }: PageRequest): AdminProblem {
  if (problem.errorsOf(OWN_PASSWORD_FIELD).length === 0) return problem
  const message = findPasswordLengthProblem(form.text('password'), config)
  return message === null ? problem : problem.and([{ path: 'password', message }])
}

/** The allowed length of a password. */
export function formatPasswordLength({ minimumPasswordLength }: Config): string {
  return `${minimumPasswordLength} to ${MAX_PASSWORD_CHARACTERS} characters.`
}

/** The fields for a password that an operator sets, with the option to require a change at the next sign-in. */
export function PasswordFields({ state, config }: { state: FieldState; config: Config }) {
  return (
    <>
      <Input
        state={state}
        type="password"
        name="password"
        label="Password of the user"
        hint={`${formatPasswordLength(config)} The password is not shown again.`}
        autocomplete="new-password"
        required
      />
      <Choices
        state={state}
        name="must_change_password"
        label="At the next sign-in"
        options={[{ value: 'yes', label: 'The user must change the password' }]}
      />
    </>
  )
}

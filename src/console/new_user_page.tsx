import { userSchema } from '../admin/user_schemas.ts'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { findPasswordProblem } from '../users/create_user.ts'
import { MAX_PASSWORD_CHARACTERS } from '../users/password.ts'
import { formatQuery, pathOf } from './admin_client.ts'
import { AdminProblem, OWN_PASSWORD_FIELD } from './admin_problem.ts'
import { Choices, type FieldState, Input, PostForm } from './fields.tsx'
import { Form } from './form.ts'
import { CONSOLE_PATH, goTo, type Page, type Reply, type Visit } from './page.ts'
import { Heading, ProblemNote } from './parts.tsx'
import { PERSON_FIELDS, PersonFields, personOf } from './user_form.tsx'
import { poolsOf } from './users_page.tsx'

const newPersonPage: Page = {
  method: 'GET',
  path: '/people/new',
  role: 'admin',
  async handle(visit) {
    const pools = poolsOf(visit.config)
    const asked = visit.query.text('pool')
    const pool = pools.includes(asked) ? asked : (pools[0] ?? '')
    return showForm(visit, pool, { form: Form.of({}), problem: null })
  },
}

const createPerson: Page = {
  method: 'POST',
  path: '/people/new',
  role: 'admin',
  async handle(visit) {
    const { admin, form, config } = visit
    const pool = form.text('pool')
    const body = {
      pool,
      ...personOf(form, pool === config.adminApi?.userPool),
      password: form.text('password'),
      must_change_password: form.isChecked('must_change_password'),
    }
    const ownPassword = form.text(OWN_PASSWORD_FIELD)
    const created = await admin.change('/users', userSchema, { body, ownPassword })
    if (created instanceof AdminProblem) {
      return showForm(visit, pool, { form, problem: withPasswordLength(created, visit) })
    }
    return goTo(pathOf`/people/${created.id}`, 'person-created')
  },
}

export const NEW_PERSON_PAGES: readonly Page[] = [newPersonPage, createPerson]

function showForm({ config, csrfToken: csrf }: Visit, pool: string, state: FieldState): Reply {
  const { problem } = state
  return compact({
    title: 'New person',
    status: problem === null ? undefined : problem.status,
    body: (
      <>
        <Heading title="New person" lead="Somebody who signs in by a username and a password." />
        {problem === null ? null : <ProblemNote problem={problem} fields={PERSON_FIELDS} />}
        <nav class="tabs" aria-label="Pool">
          {poolsOf(config).map((name) => (
            <a
              class="tab"
              href={`${CONSOLE_PATH}/people/new${formatQuery({ pool: name })}`}
              {...(name === pool ? { 'aria-current': 'true' } : {})}
            >
              {name}
            </a>
          ))}
        </nav>
        <PostForm csrf={csrf} action="/people/new">
          <input type="hidden" name="pool" value={pool} />
          <PersonFields state={state} isOperator={pool === config.adminApi?.userPool} />
          <PasswordFields state={state} config={config} />
          <button type="submit" class="primary">
            Create the person
          </button>
        </PostForm>
      </>
    ),
  })
}

/**
 * Adds the length of the new password to a refusal of the operator's own password. The admin API did not get to the
 * new one.
 */
export function withPasswordLength(problem: AdminProblem, { form, config }: Visit): AdminProblem {
  if (problem.errorsOf(OWN_PASSWORD_FIELD).length === 0) return problem
  const message = findPasswordProblem(form.text('password'), config)
  return message === null ? problem : problem.and([{ path: 'password', message }])
}

/** How long a password may be. */
export function formatPasswordLength({ minimumPasswordLength }: Config): string {
  return `${minimumPasswordLength} to ${MAX_PASSWORD_CHARACTERS} characters.`
}

/** A password that an operator sets, and whether it is for the first sign-in alone. */
export function PasswordFields({ state, config }: { state: FieldState; config: Config }) {
  return (
    <>
      <Input
        state={state}
        type="password"
        name="password"
        label="Password"
        hint={`${formatPasswordLength(config)} It is not shown again, here or anywhere.`}
        autocomplete="new-password"
        required
      />
      <Choices
        state={state}
        name="must_change_password"
        label="Afterwards"
        options={[{ value: 'yes', label: 'The person must set a new one' }]}
      />
    </>
  )
}

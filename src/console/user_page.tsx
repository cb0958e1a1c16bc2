import { userSchema } from '../admin/user_schemas.ts'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { formatQuery, pathOf } from './admin_client.ts'
import type { AdminProblem } from './admin_problem.ts'
import { Confirm, OwnPassword, PostForm } from './fields.tsx'
import { Form } from './form.ts'
import { PasswordFields } from './new_user_page.tsx'
import type { Reply, Visit } from './page.ts'
import { Badge, Facts, Heading, Link, Moment, MomentOr, ProblemNote, Section } from './parts.tsx'
import { formOfPerson, PERSON_FIELDS, PersonFields } from './user_form.tsx'
import { NameWarnings, PersonState, type ShownUser } from './users_page.tsx'

/** A refused action. The page shows its form open, with the refusal. */
export interface PersonAttempt {
  problem: AdminProblem
  action: 'edit' | 'password' | 'sign-out' | 'ask-password' | 'disable' | 'enable' | 'delete'
}

/** One person, with all that may be done for them. */
export async function showPerson(visit: Visit, attempt: PersonAttempt | null = null): Promise<Reply> {
  const { admin, operator, params, config, csrfToken: csrf, form: typed } = visit
  const id = params.id ?? ''
  const { value: person, etag } = await admin.readVersioned(pathOf`/users/${id}`, userSchema)
  const isOperator = person.pool === config.adminApi?.userPool
  const isOneself = person.id === operator.id
  return compact({
    title: person.username,
    status: attempt === null ? undefined : attempt.problem.status,
    body: (
      <>
        <Heading title={person.username} lead={person.profile.name} actions={<Links id={id} />} />
        {attempt === null ? null : <ProblemNote problem={attempt.problem} fields={PERSON_FIELDS} />}
        <PersonFacts person={person} />
        {operator.isAdmin ? (
          <EditForm
            person={person}
            etag={etag}
            csrf={csrf}
            attempt={attempt}
            isOperator={isOperator}
            typed={typed}
          />
        ) : null}
        {operator.isAdmin ? (
          <SetPassword
            person={person}
            csrf={csrf}
            attempt={attempt}
            config={config}
            typed={typed}
            isOneself={isOneself}
          />
        ) : null}
        {operator.isAdmin || !isOperator ? (
          <Actions
            person={person}
            etag={etag}
            csrf={csrf}
            attempt={attempt}
            isAdmin={operator.isAdmin}
            isOneself={isOneself}
            isOperator={isOperator}
          />
        ) : null}
      </>
    ),
  })
}

function Links({ id }: { id: string }) {
  return (
    <>
      <Link to={`/sessions${formatQuery({ subject: id })}`}>Their sessions</Link>
      <Link to={`/audit${formatQuery({ subject: id })}`}>Their events</Link>
    </>
  )
}

function PersonFacts({ person }: { person: ShownUser }) {
  return (
    <Facts
      facts={[
        ['State', <PersonState person={person} />],
        [
          'Username',
          person.username_warnings.length === 0 ? person.username : <NameWarnings person={person} />,
        ],
        ['Pool', person.pool],
        ['Roles', person.roles.join(', ') || <span class="soft">None</span>],
        ['Email', person.profile.email ?? <span class="soft">None</span>],
        ['Id', <code class="id">{person.id}</code>],
        ['Created', <Moment at={person.created_at} />],
        ['Changed', <Moment at={person.updated_at} />],
        ['Tokens valid from', <MomentOr at={person.tokens_valid_from} none="Always" />],
      ]}
    />
  )
}

interface EditFormProps {
  person: ShownUser
  etag: string
  csrf: string
  attempt: PersonAttempt | null
  isOperator: boolean
  /** The posted form, whichever it is. */
  typed: Form
}

function EditForm({ person, etag, csrf, attempt, isOperator, typed }: EditFormProps) {
  const now = formOfPerson(person, isOperator)
  const problem = problemOf(attempt, 'edit')
  const isStale = problem?.code === 'stale'
  const state = {
    form: problem === null ? now : typed,
    problem,
    current: isStale ? now : null,
  }
  return (
    <Section id="edit" title="Profile and roles">
      {isStale ? (
        <p class="note warn">
          <Badge tone="warn">Changed meanwhile</Badge> Somebody saved this person after you opened them. What
          you typed is below, and beside it what there is now. Save again to put yours in its place.
        </p>
      ) : null}
      <PostForm csrf={csrf} action={pathOf`/people/${person.id}`} etag={etag}>
        <PersonFields state={state} isOperator={isOperator} isAdmin={person.roles.includes('admin')} />
        <button type="submit" class="primary">
          Save
        </button>
      </PostForm>
    </Section>
  )
}

interface SetPasswordProps extends Pick<EditFormProps, 'person' | 'csrf' | 'attempt' | 'typed'> {
  config: Config
  isOneself: boolean
}

function SetPassword({ person, csrf, attempt, config, typed, isOneself }: SetPasswordProps) {
  const problem = problemOf(attempt, 'password')
  const form = problem === null ? Form.of({ must_change_password: isOneself ? [] : ['yes'] }) : typed
  const state = { form, problem }
  return (
    <Section id="set-password" title="Password">
      <details class="confirm" open={problem !== null}>
        <summary class="button">Set a password…</summary>
        <div class="confirm-body">
          <div class="confirm-text">Every session of theirs ends with it.</div>
          <PostForm csrf={csrf} action={pathOf`/people/${person.id}/password`}>
            <PasswordFields state={state} config={config} />
            <OwnPassword
              id="own-password"
              hint="Needed to set the password of a user."
              required
              problem={problem}
            />
            <button type="submit" class="primary">
              Set the password
            </button>
          </PostForm>
        </div>
      </details>
    </Section>
  )
}

/** The refusal of that action; null if another action or none was refused. */
function problemOf(attempt: PersonAttempt | null, action: PersonAttempt['action']): AdminProblem | null {
  return attempt?.action === action ? attempt.problem : null
}

interface ActionsProps {
  person: ShownUser
  etag: string
  csrf: string
  attempt: PersonAttempt | null
  isAdmin: boolean
  isOneself: boolean
  isOperator: boolean
}

function Actions({ person, etag, csrf, attempt, isAdmin, isOneself, isOperator }: ActionsProps) {
  const path = pathOf`/people/${person.id}`
  return (
    <Section id="actions" title="Actions">
      <div class="confirms">
        <Confirm
          csrf={csrf}
          label="Sign out everywhere"
          action={`${path}/sign-out`}
          problem={problemOf(attempt, 'sign-out')}
        >
          Every session of theirs ends, on every device. They can sign in again.
        </Confirm>
        {isAdmin && !person.must_change_password ? (
          <Confirm
            csrf={csrf}
            label="Ask for a new password"
            action={`${path}/ask-password`}
            problem={problemOf(attempt, 'ask-password')}
            etag={etag}
          >
            Their tokens say so from now on, and whoever reads them can ask.
          </Confirm>
        ) : null}
        {person.enabled && !isOneself ? (
          <Confirm
            csrf={csrf}
            label="Disable"
            action={`${path}/disable`}
            problem={problemOf(attempt, 'disable')}
            isDangerous
          >
            They cannot sign in any more, and every session of theirs ends.
          </Confirm>
        ) : null}
        {!person.enabled && isAdmin ? (
          <Confirm
            csrf={csrf}
            label="Enable"
            action={`${path}/enable`}
            problem={problemOf(attempt, 'enable')}
            {...(isOperator && person.roles.includes('admin')
              ? { passwordId: 'own-password-to-enable' }
              : {})}
          >
            They can sign in again. Tokens from before stay dead.
          </Confirm>
        ) : null}
        {isAdmin && !isOneself ? (
          <Confirm
            csrf={csrf}
            label="Delete"
            action={`${path}/delete`}
            problem={problemOf(attempt, 'delete')}
            etag={etag}
            isDangerous
          >
            The person goes, and every session of theirs ends. The audit trail keeps their id alone. That
            cannot be undone.
          </Confirm>
        ) : null}
      </div>
    </Section>
  )
}

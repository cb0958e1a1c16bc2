import { userSchema } from '../admin/user_schemas.ts'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { breakable } from '../pages/breakable.tsx'
import type { FieldState } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { ActionForm, Cancel, OwnPassword, problemOf, type RefusedAction, versionOf } from './action_form.tsx'
import { formatQuery, pathOf } from './admin_client.ts'
import { Consents } from './consents.tsx'
import { EditConflict } from './edit_conflict.tsx'
import { countLiveSessions } from './live_sessions.ts'
import { PasswordFields } from './new_user_page.tsx'
import type { PageRequest, PageResponse } from './page.ts'
import { Facts, Heading, Link, Moment, MomentOr, ProblemNote, Section } from './parts.tsx'
import { type RefusedRemoval, SecondFactors } from './second_factors.tsx'
import { LiveSessions, loadSupport, RecentEvents, type SupportView, supportFacts } from './support_view.tsx'
import { confirmFields } from './typed_name.tsx'
import { Actions, typedUsername, type UserAction, usernameToErase } from './user_action_list.tsx'
import { formOfUser, OwnPasswordForRoles, USER_FIELDS, UserFields } from './user_form.tsx'
import { NameWarnings, type ShownUser, UserState } from './users_page.tsx'

/** The page of one user, with the actions. */
export async function showUser(
  request: PageRequest,
  refused: RefusedAction<UserAction> | null = null,
): Promise<PageResponse> {
  const { admin, operator, params, config, csrfToken: csrf, form: typed, now } = request
  const id = params.id ?? ''
  const [{ value: user, etag }, support, sessions] = await Promise.all([
    admin.readVersioned(pathOf`/users/${id}`, userSchema),
    loadSupport(admin, id),
    countLiveSessions(admin, { subject: id }),
  ])
  const isOperator = user.pool === config.adminApi?.userPool
  const isOneself = user.id === operator.id
  const mayAct = operator.isAdmin || !isOperator
  const problem = problemOf(refused, 'edit')
  const saved = formOfUser(user, isOperator)
  const conflict = problem?.code === 'stale' ? { form: typed, problem, current: saved } : null
  return compact({
    title: user.username,
    status: refused === null ? undefined : refused.problem.status,
    body: (
      <>
        <Heading
          title={user.username}
          lead={user.profile.name}
          actions={<Links id={id} mayEdit={operator.isAdmin} />}
        />
        {conflict === null ? null : <EditConflict what="user" state={conflict} fields={USER_FIELDS} />}
        {refused === null || conflict !== null ? null : (
          <ProblemNote
            problem={refused.problem.inOrder(USER_FIELDS)}
            fields={[...USER_FIELDS, ...confirmFields(typedNameFor(refused, user))]}
          />
        )}
        <UserFacts user={user} support={support} now={now} />
        {mayAct ? (
          <Actions
            user={user}
            support={support}
            etag={versionOf(problemOf(refused, 'delete'), { form: typed, etag })}
            csrf={csrf}
            refused={refused}
            isAdmin={operator.isAdmin}
            isOneself={isOneself}
            isOperator={isOperator}
            sendsMails={config.mail !== null}
            sessions={sessions}
          >
            {operator.isAdmin ? (
              <SetPassword
                user={user}
                csrf={csrf}
                refused={refused}
                config={config}
                typed={typed}
                isOneself={isOneself}
                sessions={sessions}
              />
            ) : null}
          </Actions>
        ) : null}
        {support === null ? null : (
          <>
            <LiveSessions
              support={support}
              userId={id}
              csrf={csrf}
              now={now}
              mayEnd={mayAct}
              ownSid={operator.sid}
            />
            <SecondFactors
              factors={support.factors}
              user={user}
              csrf={csrf}
              now={now}
              mayRemove={mayAct && !isOneself}
              isOperator={isOperator}
              sessions={sessions}
              refused={removalOf(refused, params.factor)}
            />
            <Consents consents={support.consents} userId={id} csrf={csrf} mayWithdraw={mayAct} />
            <RecentEvents support={support} userId={id} />
          </>
        )}
        {operator.isAdmin ? (
          <EditForm
            user={user}
            etag={versionOf(problem, { form: typed, etag })}
            csrf={csrf}
            state={conflict ?? { form: problem === null ? saved : typed, problem }}
            isOperator={isOperator}
          />
        ) : null}
      </>
    ),
  })
}

/** The name to type in the confirmation of a refused action. */
function typedNameFor({ action }: RefusedAction<UserAction>, { username }: ShownUser) {
  return action === 'erase' ? usernameToErase(username) : typedUsername(username)
}

function Links({ id, mayEdit }: { id: string; mayEdit: boolean }) {
  return (
    <>
      {mayEdit ? <a href="#edit">Edit</a> : null}
      <Link to={pathOf`/users/${id}/why`}>Why signed out?</Link>
      <Link to={`/sessions${formatQuery({ subject: id })}`}>Sessions of this user</Link>
      <Link to={`/audit${formatQuery({ subject: id })}`}>Events of this user</Link>
    </>
  )
}

function UserFacts({ user, support, now }: { user: ShownUser; support: SupportView | null; now: number }) {
  return (
    <Facts
      facts={[
        ['State', <UserState user={user} />],
        ...supportFacts(support, now),
        ...(user.username_warnings.length === 0 ? [] : [['Username', <NameWarnings user={user} />] as const]),
        ...(user.deletion_at === null
          ? []
          : [['Deletion by the user', <Moment at={user.deletion_at} />] as const]),
        ['Pool', user.pool],
        ['Created', <Moment at={user.created_at} />],
        ['Changed', <Moment at={user.updated_at} />],
        ['Tokens valid from', <MomentOr at={user.tokens_valid_from} none="Any time" />],
        ...profileFacts(user),
        ['Id', <code class="id">{user.id}</code>],
        ['Roles', user.roles.join(', ') || <span class="soft">None</span>],
      ]}
    />
  )
}

/** The texts of the profile; the name is the lead of the page. */
function profileFacts({ profile, email_verified: isVerified }: ShownUser) {
  const { given_name, family_name, locale, email } = profile
  const others = compact({ 'Given name': given_name, 'Family name': family_name, Locale: locale })
  const address =
    email === undefined ? (
      <span class="soft">None</span>
    ) : (
      breakable(`${email} (${isVerified ? '' : 'not '}verified)`)
    )
  return [...Object.entries(others), ['Email', address] as const]
}

interface EditFormProps {
  user: ShownUser
  etag: string
  csrf: string
  state: FieldState
  isOperator: boolean
}

function EditForm({ user, etag, csrf, state, isOperator }: EditFormProps) {
  return (
    <Section id="edit" title="Profile and roles">
      <ActionForm csrf={csrf} action={pathOf`/users/${user.id}`} etag={etag}>
        <UserFields state={state} isOperator={isOperator} />
        {isOperator && !user.roles.includes('admin') ? <OwnPasswordForRoles problem={state.problem} /> : null}
        <button type="submit" class="primary">
          Save
        </button>
      </ActionForm>
    </Section>
  )
}

interface SetPasswordProps extends Pick<EditFormProps, 'user' | 'csrf'> {
  refused: RefusedAction<UserAction> | null
  /** The posted form. */
  typed: Form
  config: Config
  isOneself: boolean
  /** The number of live sessions, as words. */
  sessions: string
}

function SetPassword({ user, csrf, refused, config, typed, isOneself, sessions }: SetPasswordProps) {
  const problem = problemOf(refused, 'password')
  const form = problem === null ? Form.of({ must_change_password: isOneself ? [] : ['yes'] }) : typed
  const state = { form, problem }
  return (
    <details class="confirm" open={problem !== null}>
      <summary class="button danger">Set a password…</summary>
      <div class="confirm-body">
        <p class="confirm-title">{breakable(`Set a password for ${user.username} and end ${sessions}`)}</p>
        <ActionForm csrf={csrf} action={pathOf`/users/${user.id}/password`}>
          <PasswordFields state={state} config={config} />
          <OwnPassword
            id="own-password"
            hint="Required to set the password of a user."
            required
            problem={problem}
          />
          <div class="confirm-buttons">
            <button type="submit" class="primary danger">
              Set a password
            </button>
            <Cancel page={pathOf`/users/${user.id}`} />
          </div>
        </ActionForm>
      </div>
    </details>
  )
}

/** The refused removal of a factor. */
function removalOf(
  refused: RefusedAction<UserAction> | null,
  factorId: string | undefined,
): RefusedRemoval | null {
  const problem = problemOf(refused, 'remove-factor')
  return problem === null ? null : { problem, factorId }
}

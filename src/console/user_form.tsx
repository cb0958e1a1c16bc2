import { ROLES } from '../admin/operation.ts'
import { Choices, type FieldState, Input, TextArea } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { PROFILE_FIELD_LIST } from '../users/profile.ts'
import { OwnPassword } from './action_form.tsx'
import { OWN_PASSWORD_FIELD } from './admin_problem.ts'
import type { FieldLabel } from './parts.tsx'
import type { ShownUser } from './users_page.tsx'

/** The fields of a profile with their names in the form. */
const PROFILE_INPUTS = PROFILE_FIELD_LIST.map((field) => ({
  ...field,
  member: field.name,
  name: `profile.${field.name}`,
}))

/** The fields of a user in the order of the form. */
export const USER_FIELDS: readonly FieldLabel[] = [
  { name: 'pool', label: 'Pool' },
  { name: 'username', label: 'Username', id: 'username' },
  ...PROFILE_INPUTS.map(({ name, label }) => ({ name, label, id: name })),
  { name: 'roles', label: 'Roles', id: 'roles' },
  { name: 'password', label: 'Password of the user', id: 'password' },
  { name: OWN_PASSWORD_FIELD, label: 'Your own password' },
]

interface UserFieldsProps {
  state: FieldState
  /** Whether the pool is the pool of the operators. */
  isOperator: boolean
}

/** The fields of a new or existing user. */
export function UserFields({ state, isOperator }: UserFieldsProps) {
  return (
    <>
      <Input
        state={state}
        name="username"
        label="Username"
        hint="Upper and lower case are the same. The server stores the name in lower case."
        maxlength={255}
        required
      />
      <div class="pair">
        {PROFILE_INPUTS.map(({ name, member, label, description, hasHint, maxlength }) => (
          <Input
            state={state}
            name={name}
            label={label}
            {...(hasHint && { hint: description })}
            type={member === 'email' ? 'email' : 'text'}
            maxlength={maxlength}
          />
        ))}
      </div>
      {isOperator ? (
        <Choices
          state={state}
          name="roles"
          label="Roles"
          options={ROLES.map((value) => ({ value, label: value }))}
          hint="The role support can read, and can unlock, disable and sign out users. The role admin can do everything."
        />
      ) : (
        <TextArea state={state} name="roles" label="Roles" hint="One per line. Included in tokens." />
      )}
    </>
  )
}

/** The operator's own password, for a form that can give the role admin. */
export function OwnPasswordForRoles({ problem }: Pick<FieldState, 'problem'>) {
  return (
    <OwnPassword
      id="own-password-for-roles"
      hint="Required to give the role admin."
      required={false}
      problem={problem}
    />
  )
}

/** The form with the values of a user. */
export function formOfUser({ username, profile, roles }: ShownUser, isOperator: boolean): Form {
  return Form.of({
    username,
    ...Object.fromEntries(PROFILE_INPUTS.map(({ name, member }) => [name, profile[member] ?? ''])),
    roles: isOperator ? roles : roles.join('\n'),
  })
}

/** Converts the form to the body for the admin API. */
export function userOf(form: Form, isOperator: boolean) {
  const texts = PROFILE_INPUTS.map(({ name, member }) => [member, form.text(name).trim()] as const)
  return {
    username: form.text('username'),
    roles: isOperator ? form.list('roles') : form.lines('roles'),
    profile: Object.fromEntries(texts.filter(([, text]) => text !== '')),
  }
}

import type { Child, PropsWithChildren } from 'hono/jsx'
import { compact } from '../lib/compact.ts'
import { type AdminProblem, OWN_PASSWORD_FIELD } from './admin_problem.ts'
import type { Form } from './form.ts'
import { CONSOLE_PATH } from './page.ts'

export const CSRF_FIELD = 'csrf_token'

/** A form that changes something, with the token of the session. */
export function PostForm({
  csrf,
  action,
  etag,
  children,
  kind = 'form',
}: PropsWithChildren<{ csrf: string; action: string; etag?: string; kind?: 'form' | 'inline' }>) {
  return (
    <form method="post" action={CONSOLE_PATH + action} class={kind} autocomplete="off">
      <input type="hidden" name={CSRF_FIELD} value={csrf} />
      {etag === undefined ? null : <input type="hidden" name="etag" value={etag} />}
      {children}
    </form>
  )
}

interface OwnPasswordProps {
  id: string
  hint: string
  required: boolean
  /** Of the form that has the field. */
  problem: AdminProblem | null
}

/** The operator's own password, for a change that needs a confirmation of it. */
export function OwnPassword({ id, hint, required, problem }: OwnPasswordProps) {
  const errors = problem?.errorsOf(OWN_PASSWORD_FIELD) ?? []
  return (
    <div class="field">
      <label for={id}>Your own password</label>
      <input
        id={id}
        name={OWN_PASSWORD_FIELD}
        type="password"
        required={required}
        autocomplete="current-password"
        aria-describedby={errors.length === 0 ? `${id}-hint` : `${id}-hint ${id}-error`}
        {...compact({ 'aria-invalid': errors.length === 0 ? undefined : ('true' as const) })}
      />
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
      {errors.length === 0 ? null : (
        <p class="error" id={`${id}-error`}>
          {errors.join('; ')}
        </p>
      )}
    </div>
  )
}

interface ConfirmProps {
  /** The token of the session. */
  csrf: string
  /** On the button that opens it and, as it is, on the one that does it. */
  label: string
  action: string
  etag?: string
  isDangerous?: boolean
  /** The id of a field for the operator's own password; absent where the action needs none. */
  passwordId?: string
  /** The refusal of this action: it is shown open, with the reason at the field. */
  problem?: AdminProblem | null
}

/** An action that says what it does before it is done, without a script. */
export function Confirm({
  csrf,
  label,
  action,
  etag,
  isDangerous = false,
  passwordId,
  problem = null,
  children,
}: PropsWithChildren<ConfirmProps>) {
  return (
    <details class="confirm" open={problem !== null}>
      <summary class={isDangerous ? 'button danger' : 'button'}>{label}…</summary>
      <div class="confirm-body">
        <div class="confirm-text">{children}</div>
        <PostForm csrf={csrf} action={action} kind="inline" {...compact({ etag })}>
          {passwordId === undefined ? null : (
            <OwnPassword id={passwordId} hint="This action needs your password." required problem={problem} />
          )}
          <button type="submit" class={isDangerous ? 'primary danger' : 'primary'}>
            {label}
          </button>
        </PostForm>
      </div>
    </details>
  )
}

/** What a field is made from: what is typed, what was wrong with it, and what the record has now where that differs. */
export interface FieldState {
  form: Form
  problem: AdminProblem | null
  /** After a stale edit. */
  current?: Form | null
}

interface FieldProps {
  state: FieldState
  name: string
  label: string
  hint?: Child
}

interface InputProps extends FieldProps {
  type?: 'text' | 'email' | 'password' | 'number' | 'search' | 'datetime-local'
  required?: boolean
  maxlength?: number
  autocomplete?: string
}

/** Passwords are never sent back. */
export function Input({ state, name, label, hint, type = 'text', ...attributes }: InputProps) {
  const value = type === 'password' ? undefined : state.form.text(name)
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        type={type}
        {...compact({ value })}
        {...attributes}
        {...describe(state, name, hint)}
      />
      <Below state={state} name={name} hint={hint} />
    </div>
  )
}

export function TextArea({ state, name, label, hint, rows = 3 }: FieldProps & { rows?: number }) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <textarea id={name} name={name} rows={rows} spellcheck={false} {...describe(state, name, hint)}>
        {`\n${state.form.text(name)}`}
      </textarea>
      <Below state={state} name={name} hint={hint} />
    </div>
  )
}

export interface Option {
  value: string
  label: string
}

interface ChoicesProps extends FieldProps {
  type?: 'checkbox' | 'radio'
  options: readonly Option[]
}

export function Choices({ state, name, label, hint, options, type = 'checkbox' }: ChoicesProps) {
  const chosen = state.form.list(name)
  return (
    <fieldset class="field" {...describe(state, name, hint, 'fieldset')}>
      <legend>{label}</legend>
      <div class="choices">
        {options.map(({ value, label: text }) => (
          <label>
            <input type={type} name={name} value={value} checked={chosen.includes(value)} /> {text}
          </label>
        ))}
      </div>
      <Below state={state} name={name} hint={hint} />
    </fieldset>
  )
}

function Below({ state, name, hint }: Pick<FieldProps, 'state' | 'name' | 'hint'>) {
  const errors = state.problem?.errorsOf(name) ?? []
  const now = changedElsewhere(state, name)
  return (
    <>
      {hint === undefined ? null : (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {errors.length === 0 ? null : (
        <p class="error" id={`${name}-error`}>
          {errors.join('; ')}
        </p>
      )}
      {now === null ? null : (
        <p class="error" id={`${name}-now`}>
          It is now: {now === '' ? <em>empty</em> : <code>{now}</code>}
        </p>
      )}
    </>
  )
}

/** What the record has now, where somebody else's change is not what is typed here. */
function changedElsewhere({ form, current }: FieldState, name: string): string | null {
  if (!current) return null
  const typed = form.list(name).join(', ').replaceAll('\r', '')
  const now = current.list(name).join(', ')
  return typed === now ? null : now
}

function describe(state: FieldState, name: string, hint: Child, element: 'input' | 'fieldset' = 'input') {
  const hasError = (state.problem?.errorsOf(name) ?? []).length > 0
  const ids = [
    ...(hint === undefined ? [] : [`${name}-hint`]),
    ...(hasError ? [`${name}-error`] : []),
    ...(changedElsewhere(state, name) === null ? [] : [`${name}-now`]),
  ]
  return compact({
    'aria-describedby': ids.length === 0 ? undefined : ids.join(' '),
    ...(hasError && element === 'input' ? { 'aria-invalid': 'true' as const } : {}),
  })
}

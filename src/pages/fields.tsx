import type { Child } from 'hono/jsx'
import { compact } from '../lib/compact.ts'
import type { Form } from './form.ts'

/** The errors about the values of a form. */
export interface FieldErrors {
  /** The messages about a field; empty if its value is valid. */
  errorsOf(field: string): readonly string[]
  /** Whether the field has the first error of the form. The browser focuses it. */
  isFirst(field: string): boolean
}

/** The values of a form, and the errors about them. */
export interface FieldState<Problem extends FieldErrors = FieldErrors> {
  form: Form
  problem: Problem | null
  /** The record's current values, if another user changed them since the form was loaded. */
  current?: Form | null
}

interface FieldProps {
  state: FieldState
  name: string
  label: Child
  hint?: Child
}

interface InputProps extends FieldProps {
  /** The id of the element. It differs from the name if the page has several fields of that name. */
  id?: string
  type?: 'text' | 'email' | 'password'
  required?: boolean
  maxlength?: number
  autocomplete?: string
  autocapitalize?: 'none'
  inputmode?: 'numeric' | 'email'
  spellcheck?: false
  readonly?: boolean
  autofocus?: boolean
}

/** A field for one line of text. The page never repeats a typed password. */
export function Input({ state, name, label, hint, id = name, type = 'text', ...attributes }: InputProps) {
  const value = type === 'password' ? undefined : state.form.text(name)
  const field = { state, name, hint, id }
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        type={type}
        {...compact({ value })}
        {...attributes}
        {...focusOf(state, name)}
        {...describeInput(field)}
      />
      <Notes {...field} />
    </div>
  )
}

export function TextArea({ state, name, label, hint, rows = 3 }: FieldProps & { rows?: number }) {
  const field = { state, name, hint, id: name }
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <textarea
        id={name}
        name={name}
        rows={rows}
        spellcheck={false}
        {...focusOf(state, name)}
        {...describeInput(field)}
      >
        {`\n${state.form.text(name)}`}
      </textarea>
      <Notes {...field} />
    </div>
  )
}

export interface Option {
  value: string
  label: string
  /** The language of the label, if it is not that of the page (BCP 47). */
  language?: string
}

/** A list for one choice. */
export function Select({ state, name, label, hint, options }: FieldProps & { options: readonly Option[] }) {
  const chosen = state.form.text(name)
  const field = { state, name, hint, id: name }
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select id={name} name={name} {...focusOf(state, name)} {...describeInput(field)}>
        {options.map(({ value, label: text, language }) => (
          <option value={value} selected={value === chosen} {...compact({ lang: language })}>
            {text}
          </option>
        ))}
      </select>
      <Notes {...field} />
    </div>
  )
}

interface ChoicesProps extends FieldProps {
  type?: 'checkbox' | 'radio'
  options: readonly Option[]
}

/** Checkboxes, or radio buttons for one choice. */
export function Choices({ state, name, label, hint, options, type = 'checkbox' }: ChoicesProps) {
  const chosen = state.form.list(name)
  const field = { state, name, hint, id: name }
  return (
    <fieldset class="field" {...describe(field)}>
      <legend>{label}</legend>
      <div class="choices">
        {options.map(({ value, label: text }, i) => (
          <label>
            <input
              type={type}
              name={name}
              value={value}
              checked={chosen.includes(value)}
              {...(i === 0 && { id: name, ...focusOf(state, name) })}
            />{' '}
            {text}
          </label>
        ))}
      </div>
      <Notes {...field} />
    </fieldset>
  )
}

interface NotesProps {
  state: FieldState
  name: string
  id: string
  hint: Child
}

/** The hint, the errors and the saved value below a field. */
function Notes({ state, name, id, hint }: NotesProps) {
  const errors = state.problem?.errorsOf(name) ?? []
  const current = findCurrentValue(state, name)
  return (
    <>
      {hint === undefined ? null : (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {errors.length === 0 ? null : (
        <p class="error" id={`${id}-error`}>
          {errors.map(capitalize).join('; ')}
        </p>
      )}
      {current === null ? null : (
        <p class="error" id={`${id}-current`}>
          Saved value: {current === '' ? <em>empty</em> : <code>{current}</code>}
        </p>
      )}
    </>
  )
}

function capitalize(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** The record's current value, if it differs from the value in the form; otherwise null. */
function findCurrentValue({ form, current }: FieldState, name: string): string | null {
  if (!current) return null
  const typed = form.list(name).join(', ').replaceAll('\r', '')
  const value = current.list(name).join(', ')
  return typed === value ? null : value
}

function focusOf({ problem }: FieldState, name: string) {
  return problem?.isFirst(name) ? { autofocus: true } : {}
}

function describeInput(field: NotesProps) {
  const hasError = (field.state.problem?.errorsOf(field.name) ?? []).length > 0
  return { ...describe(field), ...(hasError && { 'aria-invalid': 'true' as const }) }
}

/** Links a field to its notes. */
function describe({ state, name, id, hint }: NotesProps) {
  const hasError = (state.problem?.errorsOf(name) ?? []).length > 0
  const ids = [
    ...(hint === undefined ? [] : [`${id}-hint`]),
    ...(hasError ? [`${id}-error`] : []),
    ...(findCurrentValue(state, name) === null ? [] : [`${id}-current`]),
  ]
  return compact({ 'aria-describedby': ids.length === 0 ? undefined : ids.join(' ') })
}

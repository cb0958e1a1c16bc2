import { type FieldErrors, Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { AdminProblem, OWN_PASSWORD_FIELD } from './admin_problem.ts'
import type { FieldLabel } from './parts.tsx'

export const TYPED_NAME_FIELD = 'typed_name'

/** The fields of confirmations, for a page that does not know the label of the typed name. */
export const CONFIRM_FIELDS: readonly FieldLabel[] = [
  { name: TYPED_NAME_FIELD, label: 'Name to confirm', id: TYPED_NAME_FIELD },
  { name: OWN_PASSWORD_FIELD, label: 'Your own password' },
]

/** The name of an object that the operator types before its deletion. */
export interface TypedName {
  /** The label of the name, such as `Client id`. */
  label: string
  name: string
  /** The id of the field, if the page has several such fields. */
  id?: string
}

/** The fields of a confirmation with a typed name. */
export function confirmFields({ label, id = TYPED_NAME_FIELD }: TypedName): readonly FieldLabel[] {
  return [{ name: TYPED_NAME_FIELD, label, id }, ...CONFIRM_FIELDS.slice(1)]
}

export function TypedNameField({
  label,
  name,
  id = TYPED_NAME_FIELD,
  problem,
}: TypedName & { problem: FieldErrors | null }) {
  return (
    <Input
      state={{ form: Form.of({}), problem }}
      name={TYPED_NAME_FIELD}
      id={id}
      label={label}
      hint={
        <>
          Type <code class="id">{name}</code> to confirm.
        </>
      }
      autocapitalize="none"
      spellcheck={false}
      required
    />
  )
}

/** The refusal of a form whose typed name differs; null if the name is right. */
export function checkTypedName(form: Form, { name }: Pick<TypedName, 'name'>): AdminProblem | null {
  if (form.text(TYPED_NAME_FIELD).trim() === name) return null
  return AdminProblem.ofField(TYPED_NAME_FIELD, `You typed another name. Type ${name}.`)
}

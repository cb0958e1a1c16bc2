import type { FieldState } from '../pages/fields.tsx'
import type { Form } from '../pages/form.ts'
import type { FieldLabel } from './parts.tsx'
import { Table } from './table.tsx'

interface EditConflictProps {
  /** The kind of record, such as `client`. */
  what: string
  state: FieldState & { current: Form }
  fields: readonly FieldLabel[]
}

/** The refusal of an edit of a record that another operator has saved since: one instruction, and the different fields. */
export function EditConflict({ what, state: { form, current }, fields }: EditConflictProps) {
  const rows = fields.flatMap(({ name, label }) => {
    const [yours, saved] = [form, current].map((values) => textOf(values, name))
    return yours === saved ? [] : [[label, show(yours), show(saved)]]
  })
  return (
    <div class="note warn" role="alert" tabindex={-1} autofocus>
      <p>
        <strong>Another operator saved this {what} after you opened it.</strong> Nothing was saved. Check the
        values in <a href="#edit">the form</a> and save again: your values then replace the saved values.
      </p>
      {rows.length === 0 ? (
        <p>Your values and the saved values are equal.</p>
      ) : (
        <Table caption="Different fields" columns={['Field', 'Your value', 'Saved value']} rows={rows} />
      )}
    </div>
  )
}

function textOf(form: Form, name: string): string {
  return form.list(name).join(', ').replaceAll('\r', '').replaceAll('\n', ', ').trim()
}

function show(value = '') {
  return value === '' ? <em>empty</em> : <code>{value}</code>
}

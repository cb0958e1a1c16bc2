import type { RecordField } from '../api/record_fields.ts'
import { integer, json, list, type Option, text, truth } from '../core/option.ts'

/** The option that sets a field. It has the type of the field's value. */
export function toOption({ name, description, kind }: RecordField, isRequired = false): Option {
  const define = { text, list, flag: truth, seconds: integer, json }[kind]
  const unit = kind === 'seconds' ? { value: 'SECONDS' } : {}
  return define(toOptionName(name), description, { field: name, isRequired, ...unit })
}

/** The name of the option of a field. */
export function toOptionName(field: string): string {
  return field.replaceAll('_', '-')
}

import * as z from 'zod/mini'
import type { ApiConfig } from '../config/config.ts'

/** How D1 stores a field and how a form shows it. A list is a JSON column, and a flag is 0 or 1. */
export type FieldKind = 'text' | 'list' | 'flag' | 'seconds'

export interface FieldSpec<T, IsEditable extends boolean, Default> {
  kind: FieldKind
  /** The label of the form field, and the title in the OpenAPI document. */
  label: string
  /** One sentence for the OpenAPI document, the CLI and the form. */
  description: string
  /** The checks of a value that an operator sends, with messages. */
  input: z.ZodMiniType<T>
  /** The checks of a stored value: those of the oldest value that the code still accepts. */
  stored: z.ZodMiniType<T>
  /** Whether the field can change after the client was created. */
  isEditable: IsEditable
  /** The value for a new client whose draft lacks the field, by the client id; null if the draft must have it. */
  defaultOf: Default
  /** The values that a form offers, by the API of the client; absent for free text. */
  choices?: (api: ApiConfig | undefined) => readonly string[]
  /** The value of the API that applies while the client has none. */
  inherited?: (api: ApiConfig) => number
}

/** A field of a client. */
export interface Field<
  Wire extends string = string,
  T = unknown,
  IsEditable extends boolean = boolean,
  Default = ((id: string) => unknown) | null,
> extends FieldSpec<T, IsEditable, Default> {
  /** The name in JSON and in forms, and of the column of `clients`. */
  wire: Wire
}

/** Adds the label and the description of a field to its schemas, for the OpenAPI document. */
export function defineField<
  const Wire extends string,
  T,
  const IsEditable extends boolean,
  Default extends ((id: string) => NoInfer<T>) | null,
>(wire: Wire, spec: FieldSpec<T, IsEditable, Default>): Field<Wire, T, IsEditable, Default> {
  const { label: title, description } = spec
  const describe = (schema: z.ZodMiniType<T>) =>
    schema.clone().register(z.globalRegistry, { title, description })
  return { ...spec, wire, input: describe(spec.input), stored: describe(spec.stored) }
}

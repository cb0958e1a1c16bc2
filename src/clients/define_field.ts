import * as z from 'zod/mini'
import type { ApiConfig } from '../config/config.ts'

/** The type of a field in D1 and in forms. D1 stores a list and `json` as JSON, and a flag as 0 or 1. */
export type FieldKind = 'text' | 'list' | 'flag' | 'seconds' | 'json'

/** The APIs in the form of a client. */
export interface FormApis {
  /** The API of the client and the additional APIs that the form has selected. */
  selected: readonly ApiConfig[]
  /** The names of the APIs that can be additional. */
  addable: readonly string[]
}

export interface FieldSpec<T, IsEditable extends boolean, Default> {
  kind: FieldKind
  /** The label of the form field, and the title in the OpenAPI document. */
  label: string
  /** One sentence for the OpenAPI document, the CLI and the form. */
  description: string
  /** Checks a value that an operator sends, with messages. */
  input: z.ZodMiniType<T>
  /** Checks a stored value. It accepts values that older versions stored. */
  stored: z.ZodMiniType<T>
  /** Whether the field can change after the client was created. */
  isEditable: IsEditable
  /** Makes the default of a new client from its id; null if the field is required. */
  defaultOf: Default
  /** The part of a form that has the field; absent for the first part. */
  section?: 'browser' | 'keys'
  /** The options in a form; absent for free text. */
  choices?: (apis: FormApis) => readonly string[]
  /** The value of the API, which applies if the client has no value. */
  inherited?: (api: ApiConfig) => number
}

/** A field of a client. */
export interface Field<
  Wire extends string = string,
  T = unknown,
  IsEditable extends boolean = boolean,
  Default = ((id: string) => unknown) | null,
> extends FieldSpec<T, IsEditable, Default> {
  /** The name in JSON, in forms and in the table `clients`. */
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

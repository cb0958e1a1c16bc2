import { components } from './openapi.json'

/** A field of a client or of a profile, as the OpenAPI document of the admin API describes it. */
export interface RecordField {
  /** The name in JSON, and of a column in a file. */
  name: string
  title: string
  description: string
  kind: 'text' | 'list' | 'flag' | 'seconds' | 'json'
  isRequired: boolean
  /** Whether the field can have no value. */
  isNullable: boolean
}

interface ObjectSchema {
  properties: Readonly<Record<string, PropertySchema>>
  required?: readonly string[]
}

interface PropertySchema {
  title?: string
  description?: string
  type?: string | readonly string[]
  anyOf?: readonly { type: string }[]
}

/** The fields of a new client. */
export const DRAFT_FIELDS = fieldsOf(components.schemas.ClientDraft)
/** The fields of a client that can change. */
export const EDIT_FIELDS = fieldsOf(components.schemas.ClientEdit)
/** The fields of a client in an import. */
export const IMPORT_FIELDS = fieldsOf(components.schemas.ClientImportRow)
/** The fields of the profile of a user. */
export const PROFILE_FIELDS = fieldsOf(components.schemas.Profile)

function fieldsOf({ properties, required = [] }: ObjectSchema): readonly RecordField[] {
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    title: schema.title ?? name,
    description: schema.description ?? '',
    kind: kindOf(typesOf(schema)),
    isRequired: required.includes(name),
    isNullable: typesOf(schema).includes('null'),
  }))
}

/** The JSON types of the values that a schema allows. */
function typesOf({ type = [], anyOf = [] }: PropertySchema): string[] {
  return [type, anyOf.map((option) => option.type)].flat(2)
}

function kindOf(types: readonly string[]): RecordField['kind'] {
  if (types.includes('array')) return 'list'
  if (types.includes('boolean')) return 'flag'
  if (types.includes('object')) return 'json'
  return types.includes('integer') ? 'seconds' : 'text'
}

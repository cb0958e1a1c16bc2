import * as z from 'zod/mini'
import { parseJsonColumn } from '../lib/decode.ts'
import type { ColumnValues } from '../lib/edit.ts'
import { CLIENT_FIELDS } from './client_fields.ts'
import type { Field } from './define_field.ts'

type Fields = typeof CLIENT_FIELDS
type Property = keyof Fields
type EditableProperty = { [P in Property]: Fields[P]['isEditable'] extends true ? P : never }[Property]

/** The values of all fields, by their names in the code. */
export type ClientValues = { [P in Property]: z.output<Fields[P]['stored']> }

/** New values of fields that can change. An absent field keeps its value. */
export type ClientEditValues = { [P in EditableProperty]?: ClientValues[P] | undefined }

/** The values of all fields, by their names in JSON. */
export type ClientWireValues = { [P in Property as Fields[P]['wire']]: ClientValues[P] }

/** The fields in the order of the table, each with its name in the code. */
export const FIELD_LIST: readonly (Field & { property: string })[] = Object.entries<Field>(CLIENT_FIELDS).map(
  ([property, field]) => ({ property, ...field }),
)
export const EDITABLE_FIELDS = FIELD_LIST.filter((field) => field.isEditable)

type DraftShape = {
  [P in Property as Fields[P]['wire']]: Fields[P]['defaultOf'] extends null
    ? Fields[P]['input']
    : z.ZodMiniOptional<Fields[P]['input']>
}
type EditShape = { [P in EditableProperty as Fields[P]['wire']]: z.ZodMiniOptional<Fields[P]['input']> }

/** The members of a new client in JSON. */
export const draftMembers = mapFields(FIELD_LIST, 'wire', ({ defaultOf, input }) =>
  defaultOf === null ? input : z.optional(input),
) as DraftShape
/** The members of a change in JSON. */
export const editMembers = mapFields(EDITABLE_FIELDS, 'wire', ({ input }) => z.optional(input)) as EditShape
/** The members of a stored client in JSON. */
export const storedMembers = mapFields(FIELD_LIST, 'wire', ({ stored }) => stored) as {
  [P in Property as Fields[P]['wire']]: Fields[P]['stored']
}
/** The members of a stored client in the code. */
export const valueMembers = mapFields(FIELD_LIST, 'property', ({ stored }) => stored) as {
  [P in Property]: Fields[P]['stored']
}

/** The values of a new client. */
export function fromDraft(draft: z.output<z.ZodMiniObject<DraftShape>>): ClientValues {
  const given = new Map<string, unknown>(Object.entries(draft))
  return mapFields(
    FIELD_LIST,
    'property',
    ({ wire, defaultOf }) => given.get(wire) ?? defaultOf?.(draft.client_id),
  ) as ClientValues
}

const KIND_CHECKS: Readonly<Record<Field['kind'], { isOfKind(value: unknown): boolean; empty: unknown }>> = {
  text: { isOfKind: (value) => typeof value === 'string', empty: '' },
  list: {
    isOfKind: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
    empty: [],
  },
  flag: { isOfKind: (value) => typeof value === 'boolean', empty: false },
  seconds: { isOfKind: (value) => typeof value === 'number', empty: null },
  json: { isOfKind: (value) => typeof value === 'object', empty: null },
}

/**
 * The values of an unchecked draft or change, for rules that report problems together with those of the single values. A value of
 * another kind is replaced by the old value, the default or an empty value.
 */
export function fromUnchecked(draft: unknown, before: Partial<ClientValues> = {}): ClientValues {
  const given = new Map<string, unknown>(Object.entries(Object(draft)))
  const old = new Map<string, unknown>(Object.entries(before))
  return mapFields(FIELD_LIST, 'property', ({ wire, property, kind, defaultOf }) => {
    const { isOfKind, empty } = KIND_CHECKS[kind]
    const value = given.get(wire)
    return isOfKind(value) ? value : (old.get(property) ?? (defaultOf ? defaultOf('') : empty))
  }) as ClientValues
}

/** The values of a change. An absent field is undefined. */
export function fromEdit(edit: z.output<z.ZodMiniObject<EditShape>>): ClientEditValues {
  const given = new Map<string, unknown>(Object.entries(edit))
  return mapFields(EDITABLE_FIELDS, 'property', ({ wire }) => given.get(wire)) as ClientEditValues
}

export function toWire(values: ClientValues): ClientWireValues {
  const given = new Map<string, unknown>(Object.entries(values))
  return mapFields(FIELD_LIST, 'wire', ({ property }) => given.get(property)) as ClientWireValues
}

/** The columns of `clients` for these values. An absent value has no column. */
export function toColumns(
  values: {
    [P in Property]?: ClientValues[P] | undefined
  },
): ColumnValues {
  const given = new Map<string, unknown>(Object.entries(values))
  return mapFields(FIELD_LIST, 'wire', ({ property }) => toColumn(given.get(property)))
}

/** The unchecked values of a row of `clients`. @throws CorruptRecord if a value is not JSON */
export function fromColumns(record: string, row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return mapFields(FIELD_LIST, 'property', ({ wire, kind }) => {
    const value = row[wire]
    if (kind === 'list' || (kind === 'json' && value !== null)) return parseJsonColumn(record, String(value))
    // The schema refuses every value except 0 and 1.
    return kind === 'flag' && (value === 0 || value === 1) ? value === 1 : value
  })
}

/** The values of settings that a copy from an older version can lack. */
export function defaultSettings(id: string): Record<string, unknown> {
  const withDefault = EDITABLE_FIELDS.filter(({ defaultOf }) => defaultOf !== null)
  return mapFields(withDefault, 'property', ({ defaultOf }) => defaultOf?.(id))
}

function toColumn(value: unknown): string | number | null | undefined {
  if (value === undefined || value === null || typeof value === 'number') return value
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function mapFields<T>(
  fields: typeof FIELD_LIST,
  name: 'wire' | 'property',
  map: (field: (typeof FIELD_LIST)[number]) => T,
): Record<string, T> {
  return Object.fromEntries(fields.map((field) => [field[name], map(field)]))
}

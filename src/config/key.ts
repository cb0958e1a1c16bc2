import * as z from 'zod/mini'

/** A rule for the values of a mapping in config.yml. `across` makes one. */
export type Rule<File> = z.core.$ZodCheck<File>

/**
 * The type of a value.
 *
 * @typeParam File The checked value in config.yml.
 * @typeParam Value The value in `Config`.
 * @typeParam Input The value in config.yml before defaults are added.
 */
export interface Check<File, Value = File, Input = File> extends About {
  schema: z.ZodMiniType<File>
  /** Converts the value, such as days to seconds. */
  read(file: File): Value
  /** Always absent. It makes `Input` a part of the type. */
  input?: Input
}

/** The facts about a check for the documentation. */
export interface About {
  /** The unit in config.yml; null for a value without a unit. */
  unit: string | null
  /** The allowed values: Markdown. */
  bounds: string
  /** The keys inside the value; null for a value without keys. */
  inner: InnerKeys | null
}

interface InnerKeys {
  keys: Keys
  /** The text between the key and an inner key in a path: `.`, `[].` for a list, `.<name>.` for named entries. */
  step: string
}

/** A key of config.yml. */
interface AnyKey {
  /** The name in config.yml. */
  name: string
  schema: z.ZodMiniType
  read(file: never): unknown
  /** What the key sets, for the documentation: Markdown. */
  description: string
  /** The default, for the documentation. `absent` describes the effect of a missing key that has no default. */
  presence: { default: unknown } | { absent: string } | 'required'
  about: About
}

export interface Key<Name extends string, File, Value> extends AnyKey {
  name: Name
  schema: z.ZodMiniType<File>
  read(file: File): Value
}

/** Keys of config.yml by their names in `Config`. */
export type Keys = Readonly<Record<string, AnyKey>>

/** The checked values of keys, by their names in config.yml. */
export type FileOf<K extends Keys> = { [P in keyof K as K[P]['name']]: z.output<K[P]['schema']> }

/** The values of keys, by their names in `Config`. */
export type ValuesOf<K extends Keys> = { -readonly [P in keyof K]: ReturnType<K[P]['read']> }

interface Definition<File, Value, Input> {
  check: Check<File, Value, Input>
  description: string
}

export function requiredKey<Name extends string, File, Value, Input>(
  name: Name,
  { check, description }: Definition<File, Value, Input>,
): Key<Name, File, Value> {
  return { name, schema: check.schema, read: check.read, description, presence: 'required', about: check }
}

export function keyWithDefault<Name extends string, File, Value, Input>(
  name: Name,
  { check, description, default: value }: Definition<File, Value, Input> & { default: Input },
): Key<Name, File, Value> {
  const schema = z.prefault(check.schema, value)
  return { name, schema, read: check.read, description, presence: { default: value }, about: check }
}

/** An optional key. If config.yml does not have it, the value in `Config` is null. */
export function optionalKey<Name extends string, File, Value, Input>(
  name: Name,
  { check, description, absent }: Definition<File, Value, Input> & { absent: string },
): Key<Name, File | undefined, Value | null> {
  const read = (file: File | undefined) => (file === undefined ? null : check.read(file))
  return { name, schema: z.optional(check.schema), read, description, presence: { absent }, about: check }
}

/** Adds a conversion to a check: `to` makes the value in `Config`. */
export function convert<File, From, To, Input>(
  check: Check<File, From, Input>,
  to: (value: From) => To,
): Check<File, To, Input> {
  return { ...check, read: (file) => to(check.read(file)) }
}

/** A mapping with these keys and no others. */
export function mapping<K extends Keys>(
  keys: K,
  rules: readonly Rule<FileOf<K>>[] = [],
): Check<FileOf<K>, ValuesOf<K>, Partial<FileOf<K>>> {
  const all = Object.values(keys)
  const shape = Object.fromEntries(all.map(({ name, schema }) => [name, schema]))
  // The schemas of the keys have the types in `FileOf`.
  const schema = z.strictObject(shape, 'must be a mapping (key: value)') as unknown
  return {
    schema: addRules(schema as z.ZodMiniType<FileOf<K>>, rules),
    read: (file) => readKeys(keys, file),
    unit: null,
    bounds: 'a mapping',
    inner: { keys, step: '.' },
  }
}

/** Adds rules to a schema. A schema without rules is not copied. */
export function addRules<T>(schema: z.ZodMiniType<T>, rules: readonly Rule<T>[]): z.ZodMiniType<T> {
  return rules.length === 0 ? schema : schema.check(...rules)
}

function readKeys<K extends Keys>(keys: K, file: FileOf<K>): ValuesOf<K> {
  const values: Readonly<Record<string, unknown>> = file
  const entries = Object.entries(keys).map(([property, { name, read }]) => [
    property,
    read(values[name] as never),
  ])
  return Object.fromEntries(entries) as ValuesOf<K>
}

import type { Context } from 'hono'
import * as z from 'zod/mini'
import { mediaTypeOf } from '../http/media_type.ts'
import { decodeUtf8 } from '../lib/bytes.ts'
import { addProblems, describeIssues } from '../lib/problems.ts'
import { hasRepeatedKey } from '../lib/repeated_key.ts'
import type { Checker, Operation } from './operation.ts'
import { invalidContent, Problem } from './problem.ts'

/** One entity tag of a version. It must be strong, because If-Match uses strong comparison (RFC 9110 §13.1.1). */
const VERSION_TAG = /^"(\d{1,15})"$/

/** Decodes a part of the request with a schema. @throws Problem that lists all errors */
export const check: Checker = async ({ part, value }, schema, findMore) => {
  // The operation does not use this part, so its type is unknown.
  if (schema === undefined) return undefined as never
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const errors = addProblems(describeIssues(result.error.issues), (await findMore?.()) ?? [])
  throw part === 'body' ? invalidContent(errors) : new Problem('invalid-query', { errors })
}

/** The body as parsed JSON; undefined if the operation has no body. @throws Problem */
export async function readBody(c: Context, { body }: Operation): Promise<unknown> {
  if (body === undefined) return undefined
  if (
    mediaTypeOf(c.req.raw.headers) !== 'application/json' ||
    c.req.header('Content-Encoding') !== undefined
  ) {
    throw new Problem('unsupported-media-type')
  }
  const text = decodeUtf8(await c.req.raw.arrayBuffer())
  if (text === null) throw new Problem('malformed-request', { detail: 'The body is not valid UTF-8.' })
  const value = parseJson(text)
  if (hasRepeatedKey(text)) throw new Problem('malformed-request', { detail: 'The body has a key twice.' })
  return value
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Problem('malformed-request', { detail: 'The body is not valid JSON.' })
  }
}

/** The query parameters, with numbers and booleans as the schema defines them. @throws Problem */
export function readQuery(c: Context, { query }: Operation): unknown {
  const given = [...new URL(c.req.url).searchParams]
  const repeated = given.filter(([name], i) => given.findIndex(([other]) => other === name) !== i)
  const unknown = query === undefined ? given : []
  const errors = [
    ...repeated.map(([path]) => ({ path, message: 'occurs more than once' })),
    ...unknown.map(([path]) => ({ path, message: 'is not known' })),
  ]
  if (errors.length > 0) throw new Problem('invalid-query', { errors })
  const types = query === undefined ? {} : typesOf(query)
  return Object.fromEntries(given.map(([name, value]) => [name, convert(value, types[name])]))
}

type ParameterTypes = Readonly<Record<string, unknown>>

/** The types of each query schema. They are computed once for each operation, not for each request. */
const typesBySchema = new WeakMap<z.ZodMiniType, ParameterTypes>()

/** The types of the parameters, by their names. */
function typesOf(query: z.ZodMiniType): ParameterTypes {
  const known = typesBySchema.get(query)
  if (known) return known
  const shape = query instanceof z.ZodMiniObject ? query.def.shape : {}
  const types = Object.fromEntries(Object.entries(shape).map(([name, schema]) => [name, typeOf(schema)]))
  typesBySchema.set(query, types)
  return types
}

/** The type of a parameter, such as `number`. */
function typeOf({ _zod: { def } }: z.core.$ZodType): string {
  return 'innerType' in def ? typeOf(def.innerType as z.core.$ZodType) : def.type
}

function convert(text: string, type: unknown): unknown {
  if (type === 'number' && /^\d{1,15}$/.test(text)) return Number(text)
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

/** The versions in If-Match; null accepts any version. @throws Problem 428 if it is required and missing */
export function readVersions(c: Context, { needsVersion = false }: Operation): readonly number[] | null {
  const header = c.req.header('If-Match')
  if (header === undefined && needsVersion) {
    throw new Problem('precondition-required', { detail: 'Send the ETag of the record in If-Match.' })
  }
  if (header === undefined || header.trim() === '*') return null
  return header.split(',').flatMap((tag) => {
    const [, version] = VERSION_TAG.exec(tag.trim()) ?? []
    return version === undefined ? [] : [Number(version)]
  })
}

/** The ETag of a version. */
export function formatEtag(version: number): string {
  return `"${version}"`
}

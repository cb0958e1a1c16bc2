import { isRole, ROLE_RULE } from '@sallyport/formats/role'
import { base64url } from 'jose'
import * as z from 'zod/mini'
import { decodeUtf8, encodeUtf8 } from '../lib/bytes.ts'
import { text } from '../lib/input_schemas.ts'
import { Problem } from './problem.ts'

/** The named schemas of the OpenAPI document. */
export const registry = z.registry<{ id: string }>()

/** Gives a schema its name in the OpenAPI document. */
export function named<S extends z.ZodMiniType>(id: string, schema: S): S {
  registry.add(schema, { id })
  return schema
}

export const unixSeconds = z
  .int('must be a time in Unix seconds')
  .check(z.gte(0, 'must be a time in Unix seconds'))
export const role = z.string('must be a role').check(z.refine(isRole, ROLE_RULE))

export const DEFAULT_LIMIT = 50

/** The longest cursor: the place of the longest username, whose characters can have 4 bytes each, in base64url. */
const MAX_CURSOR_CHARACTERS = 2048

/** The query parameters of every list. */
export const paging = {
  limit: z.optional(
    z
      .int('must be a whole number from 1 to 100')
      .check(z.gte(1, 'must be at least 1'), z.lte(100, 'must be at most 100')),
  ),
  cursor: z.optional(text(MAX_CURSOR_CHARACTERS)),
}

/** One page of a list. A page may be short or empty; only the last page has no `next_cursor`. */
export function pageOf<S extends z.ZodMiniType>(id: string, item: S) {
  return named(id, z.strictObject(pageMembers(item)))
}

/** The members of a page. */
export function pageMembers<S extends z.ZodMiniType>(item: S) {
  return {
    items: z.array(item),
    /** The number of items of all pages, counted with the first page; null if it is not counted. */
    total: z.nullable(z.int()),
    /** False if the list has more items than `total`, because the count has a maximum. */
    total_is_exact: z.boolean(),
    next_cursor: z.nullable(z.string()),
    previous_cursor: z.nullable(z.string()),
  }
}

/** A position in a list, as opaque text. */
export function formatCursor(place: unknown): string {
  return base64url.encode(encodeUtf8(JSON.stringify(place)))
}

/** @throws Problem if the text is not a cursor of this list */
export function parseCursor<T>(schema: z.ZodMiniType<T>, cursor: string | undefined): T | null {
  if (cursor === undefined) return null
  try {
    return schema.parse(JSON.parse(decodeUtf8(base64url.decode(cursor)) ?? ''))
  } catch {
    throw new Problem('invalid-query', {
      errors: [{ path: 'cursor', message: 'is not a cursor of this list' }],
    })
  }
}

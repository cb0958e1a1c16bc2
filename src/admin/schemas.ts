import { base64url } from 'jose'
import * as z from 'zod/mini'
import { CLIENT_ID } from '../clients/client.ts'
import { decodeUtf8, encodeUtf8 } from '../lib/bytes.ts'
import { isRole, MAX_ROLE_CHARACTERS } from '../users/create_user.ts'
import { Problem } from './problem.ts'

/** The schemas that the OpenAPI document lists under their names. */
export const registry = z.registry<{ id: string }>()

/** Gives a schema its name in the OpenAPI document. */
export function named<S extends z.ZodMiniType>(id: string, schema: S): S {
  registry.add(schema, { id })
  return schema
}

/** Text of 1 to `max` characters, without control characters and unpaired surrogates, which no store keeps. */
export function text(max: number, what = 'text') {
  const message = `must be ${what} of 1 to ${max} characters`
  return z
    .string(message)
    .check(z.minLength(1, message), z.maxLength(max, message), z.regex(/^[^\p{Cc}\p{Cs}]*$/u, message))
}

export const flag = z.boolean('must be true or false')
export const unixSeconds = z
  .int('must be a time in Unix seconds')
  .check(z.gte(0, 'must be a time in Unix seconds'))
export const clientId = z
  .string('must be a client id')
  .check(z.regex(CLIENT_ID, 'must be 1 to 64 letters, digits, ".", "_" or "-"'))
export const role = z
  .string('must be a role')
  .check(z.refine(isRole, `must be plain text of 1 to ${MAX_ROLE_CHARACTERS} characters, no space around it`))

/** A list of items that differ. */
export function listOf<T extends z.ZodMiniType<string>>(item: T, what: string, max = 100) {
  return z.array(item, `must be a list of ${what}`).check(
    z.maxLength(max, `must have at most ${max} ${what}`),
    z.refine((items) => new Set(items).size === items.length, `must not list one of the ${what} twice`),
  )
}

export const DEFAULT_LIMIT = 50

/** What every list takes. */
export const paging = {
  limit: z.optional(
    z
      .int('must be a whole number from 1 to 100')
      .check(z.gte(1, 'must be at least 1'), z.lte(100, 'must be at most 100')),
  ),
  cursor: z.optional(text(1000)),
}

/** One page of a list. A page may be short, and even empty: the last one has no `next_cursor`. */
export function pageOf<S extends z.ZodMiniType>(id: string, item: S) {
  return named(id, z.strictObject({ items: z.array(item), next_cursor: z.nullable(z.string()) }))
}

/** A place in a list, as text that says nothing to its holder. */
export function formatCursor(place: unknown): string {
  return base64url.encode(encodeUtf8(JSON.stringify(place)))
}

/** @throws Problem where it is not a cursor of that list */
export function parseCursor<T>(schema: z.ZodMiniType<T>, cursor: string | undefined): T | null {
  if (cursor === undefined) return null
  try {
    return schema.parse(JSON.parse(decodeUtf8(base64url.decode(cursor)) ?? ''))
  } catch {
    throw new Problem('invalid-query', { errors: [{ path: 'cursor', message: 'is not one of this list' }] })
  }
}

/** A page of what was read with one item more than fits, which tells whether there are others. */
export function toPage<R, T>(
  rows: readonly R[],
  limit: number,
  { place, show }: { place: (row: R) => unknown; show: (row: R) => T },
): { items: T[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const hasMore = rows.length > limit && last !== undefined
  return { items: shown.map(show), next_cursor: hasMore ? formatCursor(place(last)) : null }
}

import type { ZodMiniType } from 'zod/mini'
import { CorruptRecord } from './storage_error.ts'

/**
 * Decodes a stored record by its schema.
 *
 * @param record The name of the record in the log, such as `client storefront`.
 * @throws CorruptRecord, with the names of the invalid fields
 */
export function decodeRecord<T>(schema: ZodMiniType<T>, record: string, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const fields = new Set(result.error.issues.map((issue) => issue.path.join('.') || '(whole)'))
  throw new CorruptRecord(`${record} does not decode: ${[...fields].join(', ')}`)
}

/** Parses JSON that a store wrote. @throws CorruptRecord */
export function parseJsonColumn(record: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new CorruptRecord(`${record} does not decode: not JSON`)
  }
}

import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import {
  MAX_COUNTED,
  type PageQuery,
  pageSql,
  type Slice,
  sliceOf,
  type Total,
  toTotal,
} from '../lib/list_page.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { type Condition, where } from '../lib/where.ts'

/** A list with filters. The SQL texts are constants of the code. */
export interface ListQuery {
  /** The selected columns. */
  columns: string
  /** The table, with its alias or its index. */
  table: string
  /** The table for the count, if another index is better for it. */
  countedTable?: string
  conditions: readonly Condition[]
  /** The sort columns. Together they are unique. */
  order: readonly string[]
  page: PageQuery
  /** The total of the list; null to count it. */
  known: Total | null
}

const countSchema = z.object({ total: z.int() })

/**
 * Reads a page of a list, and counts the list up to MAX_COUNTED, in one call to D1.
 *
 * @returns the raw rows of the page in the order of the list
 * @throws StorageUnavailable
 */
export async function readList(
  db: D1Database | D1DatabaseSession,
  { columns, table, countedTable = table, conditions, order, page, known }: ListQuery,
): Promise<{ slice: Slice<unknown>; total: Total }> {
  const { condition, end } = pageSql(order, page)
  const selected = where([...conditions, condition])
  const counted = where(conditions)
  const select = db.prepare(`SELECT ${columns} FROM ${table} ${selected.sql} ${end}`).bind(...selected.values)
  const count = db
    .prepare(
      `SELECT count(*) AS total FROM (SELECT 1 FROM ${countedTable} ${counted.sql} LIMIT ${MAX_COUNTED + 1})`,
    )
    .bind(...counted.values)
  const statements = known === null ? [select, count] : [select]
  const [rows, total] = await callStore(`D1 ${table}`, () => db.batch(statements), SEARCH_DEADLINE_MS)
  return {
    slice: sliceOf(rows?.results ?? [], page),
    total: known ?? toTotal(decodeRecord(countSchema, `count of ${table}`, total?.results[0]).total),
  }
}

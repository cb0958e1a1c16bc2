import * as z from 'zod/mini'
import { flag } from '../lib/input_schemas.ts'
import { addProblems, describeIssues, type ValueProblem } from '../lib/problems.ts'
import { named } from './schemas.ts'

/** The maximum number of rows in a batch, and the maximum size of its body. */
export const MAX_ROWS = 100
export const MAX_IMPORT_BYTES = 512 * 1024

/** A batch of rows. The import checks each row separately, so that an invalid row does not affect the others. */
export const batchMembers = {
  rows: z
    .array(z.record(z.string(), z.unknown()), 'must be a list of rows')
    .check(z.minLength(1, 'must have a row'), z.maxLength(MAX_ROWS, `must have at most ${MAX_ROWS} rows`)),
  dry_run: z.optional(flag),
}
export const batchSchema = named('ImportBatch', z.strictObject(batchMembers))

/** The result of a row. A dry run gives the same result as the import. */
export interface RowVerdict {
  status: 'created' | 'updated' | 'exists' | 'refused'
  reason: string | null
}

export type RowResult<Extra> = { index: number } & RowVerdict & Extra

/** A valid row, or the result that refuses it. */
export type CheckedRow<T> = { index: number; value: T } | { index: number; refusal: string }

interface RowRules<S> {
  findProblems(row: S): readonly ValueProblem[]
  /** The problems of rules between the values of a row that the schema refuses. */
  findMoreProblems?(row: unknown): readonly ValueProblem[]
}

/** Checks each row with a schema and further rules. */
export function checkRows<S>(
  rows: readonly unknown[],
  schema: z.ZodMiniType<S>,
  { findProblems, findMoreProblems = () => [] }: RowRules<S>,
): CheckedRow<S>[] {
  return rows.map((row, index) => {
    const result = schema.safeParse(row)
    const problems = result.success
      ? findProblems(result.data)
      : addProblems(describeIssues(result.error.issues), findMoreProblems(row))
    if (!result.success || problems.length > 0) return { index, refusal: formatProblems(problems) }
    return { index, value: result.data }
  })
}

export function formatProblems(problems: readonly ValueProblem[]): string {
  return problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
}

/** Refuses each valid row whose name an earlier row of the batch has. */
export function refuseRepeated<T>(
  rows: readonly CheckedRow<T>[],
  nameOf: (value: T) => string,
): CheckedRow<T>[] {
  const seen = new Set<string>()
  return rows.map((row) => {
    if ('refusal' in row) return row
    const name = nameOf(row.value)
    if (seen.has(name)) return { index: row.index, refusal: 'an earlier row of the batch has the same name' }
    seen.add(name)
    return row
  })
}

export function isGood<T>(row: CheckedRow<T>): row is { index: number; value: T } {
  return 'value' in row
}

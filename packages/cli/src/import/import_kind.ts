import type { UserImportBatch } from '../api/schemas.ts'
import type { ImportColumn, RowValues } from './file_row.ts'

/** A row in the format of the admin API. */
export type ApiRow = Readonly<Record<string, unknown>>

/** A value that must be unique among the rows, and its name for messages. */
export interface RowKey {
  /** Such as `name`. */
  what: string
  value: string
}

/** A valid row. */
export interface ReadRow {
  row: ApiRow
  /** The kind of the user's password, for the count of the dry run: the scheme of its hash; null for clients. */
  password: string | null
}

/** The kind of the imported objects: users or clients. */
export interface ImportKind {
  /** The plural for messages, such as `users`. */
  what: string
  /** The singular for messages, such as `user`. */
  one: string
  /** The operation of the admin API that takes a batch. */
  operation: 'POST /clients/import' | 'POST /users/import'
  /** The members of a batch in addition to its rows. */
  options: Omit<UserImportBatch, 'rows' | 'dry_run'>
  columns: readonly ImportColumn[]
  /** The columns with names, which have no tabs and line breaks. */
  names: readonly string[]
  /** The name of the row in a report. */
  nameOf(values: RowValues): string
  /** The values that must be unique among the rows. */
  keysOf(row: ApiRow): readonly RowKey[]
  /** @throws RowRefused */
  toRow(values: RowValues): ReadRow
  /** Adds the values that the CLI generates, such as a secret. A dry run does not call it. */
  complete(row: ApiRow): ApiRow
  /** The generated secret of a created row; null if the row had its own secret or has none. */
  secretOf(sent: ApiRow, given: ApiRow): { client_id: string; client_secret: string } | null
}

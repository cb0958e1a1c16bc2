import type { ImportColumn, RowValues } from './file_row.ts'

/** A row as the admin API takes it. */
export type ApiRow = Readonly<Record<string, unknown>>

/** A value that is unique among the rows, and its name for sentences. */
export interface RowKey {
  /** Such as `name`. */
  what: string
  value: string
}

/** A row that may be sent. */
export interface ReadRow {
  row: ApiRow
  /** The kind of the user's password, for the count of the dry run: the scheme of its hash; null for clients. */
  password: string | null
}

/** What is imported: users or clients. */
export interface ImportKind {
  /** For sentences, such as `users`. */
  what: string
  /** One of them. */
  one: string
  /** The operation of the admin API that takes a batch. */
  operation: string
  /** The members of a batch in addition to its rows. */
  options: Readonly<Record<string, unknown>>
  columns: readonly ImportColumn[]
  /** The name of the row in a report. */
  nameOf(values: RowValues): string
  /** The values that no two rows may share. */
  keysOf(row: ApiRow): readonly RowKey[]
  /** @throws RowRefused */
  toRow(values: RowValues): ReadRow
  /** The row as it is sent at last, with what is made for it. */
  complete(row: ApiRow): ApiRow
  /** Shown once, where the row was created with something that was made for it. */
  secretOf(sent: ApiRow, asked: ApiRow): { client_id: string; client_secret: string } | null
}

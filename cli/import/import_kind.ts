import type { ImportColumn, RowValues } from './file_row.ts'

/** A row as the admin API takes it. */
export type ApiRow = Readonly<Record<string, unknown>>

/** A value that is unique among the rows, and its name for sentences. */
export interface RowKey {
  /** Such as `name`. */
  what: string
  value: string
}

/** What of one kind is imported, people or clients. */
export interface ImportKind {
  /** For sentences, such as `people`. */
  what: string
  /** One of them. */
  one: string
  /** Of the admin API. */
  operation: string
  columns: readonly ImportColumn[]
  /** What a report calls the row. */
  nameOf(values: RowValues): string
  /** The values that no two rows may share. */
  keysOf(row: ApiRow): readonly RowKey[]
  /** @throws RowRefused */
  toRow(values: RowValues): ApiRow
  /** The row as it is sent at last, with what is made for it. */
  complete(row: ApiRow): ApiRow
  /** Shown once, where the row was created with something that was made for it. */
  secretOf(sent: ApiRow, asked: ApiRow): { client_id: string; client_secret: string } | null
}

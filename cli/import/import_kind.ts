import type { ImportColumn, RowValues } from './file_row.ts'

/** A row as the admin API takes it. */
export type ApiRow = Readonly<Record<string, unknown>>

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
  /** What no two rows may share. */
  keyOf(row: ApiRow): string
  /** @throws RowRefused */
  toRow(values: RowValues): ApiRow
  /** The row as it is sent at last, with what is made for it. */
  complete(row: ApiRow): ApiRow
  /** Shown once, where the row was created with something that was made for it. */
  secretOf(sent: ApiRow, asked: ApiRow): { client_id: string; client_secret: string } | null
}

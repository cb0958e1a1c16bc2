import type { PageQuery, Slice, Total } from '../lib/list_page.ts'
import { readList } from '../storage/list_store.ts'
import { CLIENT_RECORD_COLUMNS, type ClientRecord, decodeClientRecord } from './client_record.ts'

export interface ClientFilter {
  /** A part of the id or the name, without regard to ASCII case. */
  text: string | null
  /** The own API of the client, or an additional one. */
  api: string | null
  enabled: boolean | null
}

/** The columns of each order of the list. Each has an index. */
const ORDERS = {
  id: ['c.client_id'],
  name: ['c.name', 'c.client_id'],
  created: ['c.created_at', 'c.client_id'],
} as const
export type ClientSort = keyof typeof ORDERS

/** Lists and searches clients for operators, in D1. */
export class ClientListStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /**
   * Lists a page of clients.
   *
   * @param known The total of the list; null to count it.
   * @throws StorageUnavailable, CorruptRecord
   */
  async list(
    { text, api, enabled }: ClientFilter,
    page: PageQuery<ClientSort>,
    known: Total | null,
  ): Promise<{ slice: Slice<ClientRecord>; total: Total }> {
    const { slice, total } = await readList(this.#db, {
      columns: CLIENT_RECORD_COLUMNS,
      table: 'clients c',
      conditions: [
        [
          '(instr(lower(c.client_id), lower(?)) > 0 OR instr(lower(c.name), lower(?)) > 0)',
          text === null ? null : [text, text],
        ],
        [
          '(c.api = ? OR EXISTS (SELECT 1 FROM json_each(c.additional_apis) WHERE value = ?))',
          api === null ? null : [api, api],
        ],
        ['c.enabled = ?', enabled],
      ],
      order: ORDERS[page.sort],
      page,
      known,
    })
    return { slice: { ...slice, rows: slice.rows.map(decodeClientRecord) }, total }
  }
}

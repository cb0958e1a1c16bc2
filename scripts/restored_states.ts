import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { formatLiteral } from './sql_printer.ts'

/** The first bytes of a database file of SQLite. */
const SQLITE_HEADER = 'SQLite format 3\0'

export type Row = Record<string, SQLOutputValue>

export interface StateFiles {
  /** An export of the restored database. An export of D1 is SQL. */
  restored: string
  /** An export of the state that the restore replaced; null if it is not known. */
  lost: string | null
  /** Exports of the present state of other databases. */
  others: readonly string[]
}

const MILLISECONDS = 1000

/** The restored and the lost state of one database, attached as the schemas `restored` and `lost`, and other databases. */
export class RestoredStates {
  readonly hasLost: boolean
  /** The schemas of the other databases. */
  readonly others: readonly string[]
  readonly #db = new DatabaseSync(':memory:')
  /** The connections that keep the exports in memory. */
  readonly #exports: DatabaseSync[] = []
  readonly #sequenceGap: number

  /**
   * @param now Unix seconds. The sequences continue so many milliseconds above those of the states. So they are also above those of an
   *   earlier repair, if a second restore removed it.
   */
  constructor({ restored, lost, others }: StateFiles, now: number) {
    this.hasLost = lost !== null
    this.#sequenceGap = now * MILLISECONDS
    this.#attach('restored', restored)
    if (lost !== null) this.#attach('lost', lost)
    this.others = others.map((file, index) => {
      this.#attach(`other${index}`, file)
      return `other${index}`
    })
  }

  rows(sql: string): Row[] {
    return this.#db.prepare(sql).all()
  }

  /** The column `id` of the rows. */
  ids(sql: string): string[] {
    return this.rows(sql).map(({ id }) => String(id))
  }

  /** The columns that a statement can write. @returns `key`: those of the primary key */
  columns(table: string): { all: string[]; key: string[] } {
    const found = this.rows(
      `SELECT name, pk FROM pragma_table_info(${formatLiteral(table)}, 'restored') ORDER BY cid`,
    )
    const names = (rows: Row[]) => rows.map(({ name }) => String(name))
    return { all: names(found), key: names(found.filter(({ pk }) => Number(pk) > 0)) }
  }

  /** The migrations that a state lacks. @param files The migrations of this version. */
  findMissingMigrations(files: readonly string[]): string[] {
    const applied = [...this.#schemas(), ...this.others].map(
      (schema) => new Set(this.ids(`SELECT name AS id FROM ${schema}.d1_migrations`)),
    )
    return files.filter((file) => applied.some((names) => !names.has(file)))
  }

  /** A number above all that the sequence of a table gave before the restore. */
  lastSequence(table: string): number {
    const numbers = this.#schemas().flatMap((schema) =>
      this.rows(`SELECT seq FROM ${schema}.sqlite_sequence WHERE name = ${formatLiteral(table)}`),
    )
    return Math.max(0, ...numbers.map(({ seq }) => Number(seq))) + this.#sequenceGap
  }

  #schemas(): string[] {
    return this.hasLost ? ['restored', 'lost'] : ['restored']
  }

  #attach(schema: string, file: string): void {
    this.#db.exec(
      `ATTACH ${formatLiteral(isDatabase(file) ? file : this.#readExport(schema, file))} AS ${schema}`,
    )
  }

  /** Reads an export into a database in memory. @returns its name */
  #readExport(schema: string, file: string): string {
    const name = `file:${schema}-${process.pid}?mode=memory&cache=shared`
    const database = new DatabaseSync(name)
    this.#exports.push(database)
    database.exec(readFileSync(file, 'utf8'))
    return name
  }
}

function isDatabase(file: string): boolean {
  const bytes = Buffer.alloc(SQLITE_HEADER.length)
  const descriptor = openSync(file, 'r')
  readSync(descriptor, bytes)
  closeSync(descriptor)
  return bytes.toString('latin1') === SQLITE_HEADER
}

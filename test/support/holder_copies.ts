import { env } from 'cloudflare:workers'
import type { HolderGuard, HolderRun } from '../../src/sessions/holder_check.ts'
import type { HolderQuery } from '../../src/sessions/holder_conditions.ts'
import { HOLDER_COPY_TABLES, RESTORES_TABLE } from '../../src/sessions/holder_copy_tables.ts'
import { HolderReplicaStore } from '../../src/sessions/holder_replica_store.ts'
import { aroundD1 } from './around_d1.ts'
import { FaultyStore } from './faults.ts'

const COPIES = env.SESSIONS_EU

/** A table that shows which statements had an effect. */
const MARKS = 'CREATE TABLE marks (query TEXT NOT NULL) STRICT'

/** Gives the second database the tables of copies. `emptyStores` gives it those of D1 again. */
export async function makeCopyTables(): Promise<void> {
  const drops = ['client_secrets', 'clients', 'users'].map((table) => `DROP TABLE ${table}`)
  const statements = [...drops, ...`${HOLDER_COPY_TABLES};${RESTORES_TABLE}`.split(';'), MARKS]
  await COPIES.batch(statements.map((sql) => COPIES.prepare(sql)))
}

export async function emptyCopyTables(): Promise<void> {
  const deletions = ['clients', 'users', 'marks'].map((table) => `DELETE FROM ${table}`)
  const statements = [
    ...deletions,
    'UPDATE copy_lists SET clients_seq = 0, users_seq = 0',
    'UPDATE restores SET seq = 0, resend_after = NULL',
  ]
  await COPIES.batch(statements.map((sql) => COPIES.prepare(sql)))
}

/** Reads the copies of users or clients. */
export async function listCopies(table: 'users' | 'clients'): Promise<Record<string, unknown>[]> {
  return (await COPIES.prepare(`SELECT * FROM ${table}`).all()).results
}

/** The number of statements in checked transactions that had an effect. */
export async function countMarks(): Promise<number | null> {
  return COPIES.prepare('SELECT count(*) AS n FROM marks').first<number>('n')
}

/** One session object after its start: its copies stay, its memory is empty. */
export class CopyPlace {
  /** The faults of the main database. */
  readonly main = new FaultyStore()
  /** The statements that reached the main database. */
  readonly reads: string[] = []
  readonly #replica: HolderReplicaStore
  #background: Promise<unknown>[] = []

  constructor() {
    const main = aroundD1((sql, call) => {
      this.reads.push(sql.includes('user_changes WHERE') ? 'lists' : 'copies')
      return this.main.around(sql, call)
    })
    this.#replica = new HolderReplicaStore(
      COPIES,
      () => main,
      (work) => this.#background.push(work),
    )
  }

  /** Checks a holder, marks the effect, and waits for the work in the background. */
  async run(query: HolderQuery): Promise<HolderRun> {
    try {
      return await this.start(query)
    } finally {
      await this.settle()
    }
  }

  start(query: HolderQuery): Promise<HolderRun> {
    const mark = ({ sql, query: json }: HolderGuard) =>
      COPIES.prepare(`INSERT INTO marks SELECT ifnull(?1, '') WHERE ${sql} RETURNING query`).bind(json)
    return this.#replica.change(query, mark, COPIES.prepare('SELECT * FROM marks'))
  }

  async settle(): Promise<void> {
    await Promise.all(this.#background.splice(0))
  }
}

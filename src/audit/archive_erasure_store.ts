import * as z from 'zod/mini'
import { randomId } from '../lib/bytes.ts'
import { decodeRecord } from '../lib/decode.ts'
import { callStore, SEARCH_DEADLINE_MS } from '../lib/storage_error.ts'
import { idOfSuccessor } from './archive_object.ts'
import { type Archive, type ArchivedEventStore, archivesSchema } from './archived_event_store.ts'
import { type AuditArchiveStore, decodeBatch } from './audit_archive_store.ts'
import { batchesOf, insertBatchesSql, withPseudonym } from './audit_batch_store.ts'
import type { BatchedEvent } from './audit_message.ts'
import { countOfPartitions, DAY_SECONDS, partitionsOf } from './event_partition.ts'

/** The batches that one call replaces. Each needs two statements, because a batch has fewer events than `MAX_EVENTS`. */
const MAX_BATCHES = 20

/** The most events of one insertion. A parameter of D1 has at most 2 MB. */
const MAX_EVENTS = 2000

/** The objects that one call looks at, and all others of the last day. */
const MAX_OBJECTS = 30

/** After this number of statements for objects, a call replaces no other object. An object needs at most 14. */
const OBJECT_STATEMENTS = 46

/** The most statements of one call. @param databases The number of databases */
export function erasureStatements(databases: number): number {
  return 1 + 3 * databases + OBJECT_STATEMENTS - 1 + 14 + 1
}

const SELECT_NEXT = `
  SELECT subject, pseudonym, expires_at, archive_from FROM erasures WHERE archive_from IS NOT NULL AND subject > ?
  ORDER BY subject LIMIT 1`

/** Afterwards the database stores no event with the subject (`AuditBatchStore`). */
const COPY = `
  INSERT INTO erasures (subject, pseudonym, expires_at, archive_from) VALUES (?, ?, ?, NULL) ON CONFLICT DO NOTHING`

const SELECT_BATCHES = `
  SELECT batch.partition, batch.slot, batch.id, batch.events FROM json_each(?1) AS part
  CROSS JOIN audit_batches AS batch ON batch.partition = part.value AND instr(batch.events, ?2)
  WHERE EXISTS (SELECT 1 FROM json_each(batch.events) AS event WHERE event.value ->> 'subject' = ?3) LIMIT ?4`

const DELETE_BATCH = 'DELETE FROM audit_batches WHERE partition = ? AND slot = ? AND id = ?'

/** It follows the removal of the events from another place, or an insertion of other events of that place. */
const INSERT_BATCHES = insertBatchesSql('changes() > 0')

const FROM_OBJECTS = `FROM audit_archives
  WHERE partition IN (SELECT value FROM json_each(?1)) AND day >= ?2 AND removed_at IS NULL`

const SELECT_OBJECTS = `
  SELECT partition, day, name, bytes, blocks ${FROM_OBJECTS}
    AND day <= coalesce((SELECT day ${FROM_OBJECTS} ORDER BY day LIMIT 1 OFFSET ${MAX_OBJECTS - 1}), day)
  ORDER BY day, name`

const UNLIST = `
  UPDATE audit_archives SET removed_at = 0 WHERE partition = ? AND day = ? AND name = ? AND removed_at IS NULL`

/** Lists the new object if the statements before it moved the events of the erased user. */
const LIST = `
  UPDATE audit_archives SET removed_at = NULL WHERE partition = ?1 AND day = ?2 AND name = ?3
    AND changes() > 0`

const nextSchema = z.object({
  subject: z.string(),
  pseudonym: z.string(),
  expires_at: z.int(),
  archive_from: z.int(),
})
const batchesSchema = z.array(
  z.object({ partition: z.int(), slot: z.int(), id: z.string(), events: z.string() }),
)

type Next = z.infer<typeof nextSchema>
type Batch = z.infer<typeof batchesSchema>[number]

/** One run of the cron trigger. */
export interface ErasureRun {
  /** Users up to this one have failed in the run. The next run erases them. */
  after: string
  /** The statements that the run has sent to D1. */
  statements: number
}

interface Step {
  /** Unix seconds. */
  now: number
  run: ErasureRun
  /** The statements of the run after which the step replaces no other object. */
  end: number
}

/** A database of batches, and its objects; null without a bucket. */
export interface AuditDatabase {
  db: D1Database
  archive: AuditArchiveStore | null
}

interface Parts {
  /** The main database and those of audit events. */
  databases: readonly AuditDatabase[]
  archived: Pick<ArchivedEventStore, 'readSubject'>
}

/**
 * Removes the personal data of erased users from batches and from objects. The events get the pseudonym and become new batches in
 * its partition. No new event has the id of an erased user (`AuditBatchStore`), so each user is erased once.
 */
export class ArchiveErasureStore {
  readonly #db: D1Database
  readonly #parts: Parts

  /** @param db The main database. It has the erased users. */
  constructor(db: D1Database, parts: Parts) {
    this.#db = db
    this.#parts = parts
  }

  /**
   * Erases a part of the events of one user. After a failure, the next call with the same run goes on with the next user.
   *
   * @returns false if no erased user is left
   * @throws StorageUnavailable, CorruptRecord
   */
  async eraseNext(now: number, run: ErasureRun = { after: '', statements: 0 }): Promise<boolean> {
    const select = this.#db.prepare(SELECT_NEXT).bind(run.after)
    run.statements += 1
    const row = await callStore('D1 erasures', () => select.first())
    if (row === null) return false
    const next = decodeRecord(nextSchema, 'erasure', row)
    try {
      if (!(await this.#eraseBatches(next, run))) await this.#eraseObjects(next, { now, run })
    } catch (error) {
      run.after = next.subject
      throw error
    }
    return true
  }

  /** @returns whether a batch had events of the user */
  async #eraseBatches(next: Next, run: ErasureRun): Promise<boolean> {
    let replaced = 0
    for (const { db } of this.#parts.databases) {
      replaced += await eraseBatchesIn(db, next, { run, limit: MAX_BATCHES - replaced })
      if (replaced >= MAX_BATCHES) break
    }
    return replaced > 0
  }

  async #eraseObjects(next: Next, { now, run }: Omit<Step, 'end'>): Promise<void> {
    const { databases } = this.#parts
    const end = run.statements + databases.length + OBJECT_STATEMENTS
    const days: (number | null)[] = []
    for (const database of databases) days.push(await this.#eraseObjectsOf(database, next, { now, run, end }))
    const left = days.filter((day) => day !== null)
    const update = this.#db
      .prepare('UPDATE erasures SET archive_from = ? WHERE subject = ?')
      .bind(left.length === 0 ? null : Math.min(...left), next.subject)
    run.statements += 1
    await callStore('D1 erasures', () => update.run())
  }

  /** @returns the first day that it has not read; null after the last one */
  async #eraseObjectsOf(database: AuditDatabase, next: Next, step: Step): Promise<number | null> {
    const { subject, archive_from: from } = next
    if (step.run.statements >= step.end) return from
    const select = database.db.prepare(SELECT_OBJECTS).bind(JSON.stringify(partitionsOf(subject)), from)
    step.run.statements += 1
    const { results } = await callStore('D1 audit_archives', () => select.all())
    const archives = decodeRecord(archivesSchema, 'audit archives', results)
    for (const archive of archives) {
      if (step.run.statements >= step.end) return archive.day
      const found = await this.#parts.archived.readSubject([archive], subject)
      if (found.length > 0) await replaceObject(database, archive, { next, ...step })
    }
    const last = archives.length < MAX_OBJECTS ? undefined : archives.at(-1)
    return last === undefined ? null : last.day + DAY_SECONDS
  }
}

async function eraseBatchesIn(
  db: D1Database,
  { subject, pseudonym, expires_at }: Next,
  { run, limit }: { run: ErasureRun; limit: number },
): Promise<number> {
  const copy = db.prepare(COPY).bind(subject, pseudonym, expires_at)
  const select = db
    .prepare(SELECT_BATCHES)
    .bind(JSON.stringify(partitionsOf(subject)), JSON.stringify(subject), subject, limit)
  run.statements += 2
  const [, found] = await callStore('D1 audit_batches', () => db.batch([copy, select]), SEARCH_DEADLINE_MS)
  const batches = decodeRecord(batchesSchema, 'audit batches', found?.results)
  const statements = batches.flatMap((batch) => replaceBatch(db, batch, { subject, pseudonym }))
  if (statements.length === 0) return 0
  run.statements += statements.length
  await callStore('D1 audit_batches', () => db.batch(statements), SEARCH_DEADLINE_MS)
  return batches.length
}

/** The new batches have ids that sort after the old one, so an export that has read up to the old batch reads them too. */
function replaceBatch(
  db: D1Database,
  { partition, slot, id, events }: Batch,
  erasure: Pick<Next, 'subject' | 'pseudonym'>,
): D1PreparedStatement[] {
  const { own, others } = split(decodeBatch(events), erasure)
  const remove = db.prepare(DELETE_BATCH).bind(partition, slot, id)
  const newId = () => idOfSuccessor(id, randomId(9))
  return [remove, ...insertionsOf(db, [...own, ...others], { partition, newId })]
}

async function replaceObject(
  { db, archive }: AuditDatabase,
  { partition, day, name }: Archive,
  { next, now, run }: Step & { next: Next },
): Promise<void> {
  if (archive === null) throw new Error('the binding AUDIT_ARCHIVE is missing')
  const { own, others } = split(await archive.read(name), next)
  const unlist = db.prepare(UNLIST).bind(partition, day, name)
  const statements = [unlist, ...insertionsOf(db, own, { partition, newId: () => randomId(9) })]
  if (others.length > 0) {
    run.statements += 1
    const successor = await archive.write({ partition, day, predecessor: name }, others, now)
    statements.push(db.prepare(LIST).bind(partition, day, successor))
  }
  run.statements += statements.length
  await callStore('D1 audit_archives', () => db.batch(statements), SEARCH_DEADLINE_MS)
}

function insertionsOf(
  db: D1Database,
  events: readonly BatchedEvent[],
  { partition, newId }: { partition: number; newId(): string },
): D1PreparedStatement[] {
  const count = Math.ceil(events.length / MAX_EVENTS)
  return Array.from({ length: count }, (_, i) => {
    const some = events.slice(i * MAX_EVENTS, (i + 1) * MAX_EVENTS)
    return db.prepare(INSERT_BATCHES).bind(batchesOf(some, countOfPartitions(partition), newId()))
  })
}

/** The events of the erased user with the pseudonym, and the other events. */
function split(
  events: readonly BatchedEvent[],
  { subject, pseudonym }: Pick<Next, 'subject' | 'pseudonym'>,
): { own: BatchedEvent[]; others: BatchedEvent[] } {
  return {
    own: events.filter((event) => event.subject === subject).map((event) => withPseudonym(event, pseudonym)),
    others: events.filter((event) => event.subject !== subject),
  }
}

import { base64url } from 'jose'
import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import type { KeyedHash } from '../lib/keyed_hash.ts'
import type { Sealer } from '../lib/sealer.ts'
import { CorruptRecord, callStore } from '../lib/storage_error.ts'
import { ExpiredRowsStore } from '../storage/expired_rows_store.ts'
import {
  generateToken,
  idOfToken,
  MAX_LIFETIME_SECONDS,
  type NewOneTimeValue,
  type OneTimeKind,
  type OneTimeReference,
  type TriedCode,
  triesOf,
} from './one_time_value.ts'

const STORE = 'D1 one_time_values'

/** Whether a value can be used. Parameters: ?1 the id, ?2 the kind, ?3 now. */
const IS_OPEN = 'id = ?1 AND kind = ?2 AND used_at IS NULL AND expires_at > ?3'

/** A value with a code needs the code. */
const USE = `UPDATE one_time_values SET used_at = ?3 WHERE ${IS_OPEN} AND code_hash IS NULL RETURNING sealed`

/** ?4 is a JSON array of the hashes of the code, one for each sealing key. ?5 is 1 if a statement counts the try before. */
const TRY_CODE = `
  UPDATE one_time_values SET tries = tries + 1,
    used_at = CASE WHEN code_hash IN (SELECT value FROM json_each(?4)) THEN ?3 END
  WHERE ${IS_OPEN} AND tries < max_tries AND (?5 = 0 OR changes() > 0)
  RETURNING sealed, max_tries - tries AS tries_left, used_at IS NOT NULL AS is_right`

/** Whether a code is right. ?3 is the time, and ?8 a JSON object: the id, the kind and the hashes of the code. */
const IS_RIGHT = `
  EXISTS (SELECT 1 FROM one_time_values WHERE id = ?8 ->> 'id' AND kind = ?8 ->> 'kind' AND used_at IS NULL AND expires_at > ?3
    AND tries < max_tries AND code_hash IN (SELECT value FROM json_each(?8 -> 'hashes')))`

const COLUMNS = '(id, kind, code_hash, max_tries, sealed, expires_at)'

/** The use of a token without a row. Parameters: ?1 the id, ?2 the kind, ?3 its end, ?4 now. */
const spendWhere = (condition: string) => `
  INSERT INTO one_time_values (id, kind, code_hash, max_tries, sealed, expires_at, used_at)
  SELECT ?1, ?2, NULL, 0, '', ?3, ?4 WHERE ${condition} ON CONFLICT DO NOTHING`
const SPEND = spendWhere('true')
const SPEND_IF_CHANGED = spendWhere('changes() > 0')

const SELECT_USED = 'SELECT 1 FROM one_time_values WHERE id = ? AND used_at IS NOT NULL'

const usedSchema = z.object({ sealed: z.string() })
const triedSchema = z.object({ sealed: z.string(), tries_left: z.int(), is_right: z.int() })

/** The use of a token that has no row before. */
export interface Spending {
  /** Uses the token. It changes no row if the token was used before. */
  statement: D1PreparedStatement
  /** Finds a row if the token was used. */
  used: D1PreparedStatement
}

/** A new value with its row. */
interface Row {
  token: string
  values: [
    id: string,
    kind: OneTimeKind,
    codeHash: string | null,
    maxTries: number,
    sealed: string,
    expiresAt: number,
  ]
}

/** A try of a code. */
export interface CodeAttempt extends OneTimeReference {
  code: string
  /**
   * Statements that count the try for more than this value, in the same transaction. Absent: the value alone counts its tries.
   *
   * @param isRight Whether the code is right: SQL with the time ?3 and the JSON value ?8.
   */
  counting?(isRight: { sql: string; value: object }): TryCounting
}

/** Statements that count a try. */
export interface TryCounting {
  /** Counts a wrong code. They run first. */
  wrong: readonly D1PreparedStatement[]
  /** Counts every try. If it changes no row, because its limit is reached, the code is not tried. */
  tried: D1PreparedStatement
}

/**
 * Values that are used once, over all locations: each use is one conditional statement at the primary. `now` is in Unix seconds.
 * Each call throws StorageUnavailable; a call that reads data throws CorruptRecord if no sealing key opens it.
 */
export class OneTimeStore {
  readonly #db: D1Database
  readonly #sealer: Sealer
  readonly #codeHashes: readonly KeyedHash[]

  /** @param codeHashes One for each sealing key. The first one hashes new codes. */
  constructor(
    db: D1Database,
    { sealer, codeHashes }: { sealer: Sealer; codeHashes: readonly [KeyedHash, ...KeyedHash[]] },
  ) {
    this.#db = db
    this.#sealer = sealer
    this.#codeHashes = codeHashes
  }

  /** Stores a value. @returns its token: 256 random bits, of which the store has only the hash */
  async create(value: NewOneTimeValue, now: number): Promise<string> {
    const { token, statement } = await this.prepare(value, now)
    await callStore(STORE, () => statement.run())
    return token
  }

  /** As `create`, for a transaction with other statements: the value is stored when the statement runs. */
  async prepare(
    value: NewOneTimeValue,
    now: number,
  ): Promise<{ token: string; statement: D1PreparedStatement }> {
    const { token, values } = await this.#rowOf(value, now)
    const insert = `INSERT INTO one_time_values ${COLUMNS} VALUES (?, ?, ?, ?, ?, ?)`
    return { token, statement: this.#db.prepare(insert).bind(...values) }
  }

  /** The data of a value that can be used; null for every other token. It does not use the value. */
  async find<T>(reference: OneTimeReference, schema: z.ZodMiniType<T>, now: number): Promise<T | null> {
    const id = await idOfToken(reference.token)
    if (id === null) return null
    const select = this.#db
      .prepare(`SELECT sealed FROM one_time_values WHERE ${IS_OPEN}`)
      .bind(id, reference.kind, now)
    const row = await callStore(STORE, () => select.first())
    return row === null ? null : this.#open(id, reference.kind, { row, schema })
  }

  /** Uses a value without a code. @returns its data for exactly one call; null for every other call */
  async use<T>(reference: OneTimeReference, schema: z.ZodMiniType<T>, now: number): Promise<T | null> {
    const id = await idOfToken(reference.token)
    if (id === null) return null
    const use = this.#db.prepare(USE).bind(id, reference.kind, now)
    const row = await callStore(STORE, () => use.first())
    return row === null ? null : this.#open(id, reference.kind, { row, schema })
  }

  /**
   * Uses a value without a code, and stores another one, in one transaction.
   *
   * @returns the token of the new value for exactly one call; null for every other call, which stores nothing
   */
  async replace(reference: OneTimeReference, next: NewOneTimeValue, now: number): Promise<string | null> {
    const id = await idOfToken(reference.token)
    if (id === null) return null
    const use = this.#db.prepare(USE).bind(id, reference.kind, now)
    const { token, values } = await this.#rowOf(next, now)
    const insert = this.#db
      .prepare(`INSERT INTO one_time_values ${COLUMNS} SELECT ?, ?, ?, ?, ?, ? WHERE changes() > 0`)
      .bind(...values)
    const [used] = await callStore(STORE, () => this.#db.batch([use, insert]))
    return used?.results.length === 1 ? token : null
  }

  /**
   * The statements that use and check a token which the caller keeps sealed, so that no row exists before. Its row begins used and stays until
   * the token expires. In a transaction, `changes()` is 0 after every such statement but the first.
   *
   * @param expiresAt Unix seconds.
   */
  async spending({ kind, token }: OneTimeReference, expiresAt: number, now: number): Promise<Spending> {
    const id = await idOfToken(token)
    return {
      statement: this.#db.prepare(SPEND).bind(id, kind, expiresAt, now),
      used: this.#db.prepare(SELECT_USED).bind(id),
    }
  }

  /** As `spending`. The statement uses the token only if the statement before it changed a row. */
  async spendingIfChanged(
    { kind, token }: OneTimeReference,
    expiresAt: number,
    now: number,
  ): Promise<{ statement: D1PreparedStatement }> {
    return {
      statement: this.#db.prepare(SPEND_IF_CHANGED).bind(await idOfToken(token), kind, expiresAt, now),
    }
  }

  /** Uses a token, as `spending`. @returns false if it was used before */
  async spend(reference: OneTimeReference, expiresAt: number, now: number): Promise<boolean> {
    const { statement } = await this.spending(reference, expiresAt, now)
    const { meta } = await callStore(STORE, () => statement.run())
    return meta.changes > 0
  }

  /** Whether a value was used. Its row stays until the value expires. @param id As `idOfToken` returns it. */
  async isUsed(id: string): Promise<boolean> {
    const select = this.#db.prepare(SELECT_USED).bind(id)
    return (await callStore(STORE, () => select.first())) !== null
  }

  /** Tries a code. The statement that compares the code also counts the try. The right code uses the value. */
  async tryCode<T>(
    { kind, token, code, counting }: CodeAttempt,
    schema: z.ZodMiniType<T>,
    now: number,
  ): Promise<TriedCode<T>> {
    const id = await idOfToken(token)
    if (id === null) return { outcome: 'gone' }
    const hashes = await Promise.all(this.#codeHashes.map((hash) => hashOf(hash, id, code)))
    const attempt = this.#db
      .prepare(TRY_CODE)
      .bind(id, kind, now, JSON.stringify(hashes), counting === undefined ? 0 : 1)
    const counts = counting?.({ sql: IS_RIGHT, value: { id, kind, hashes } })
    const statements = counts === undefined ? [attempt] : [...counts.wrong, counts.tried, attempt]
    const results = await callStore(STORE, () => this.#db.batch(statements))
    const rows = results.map((result) => result.results)
    const row = rows.at(-1)?.[0]
    const counted =
      counts === undefined ? {} : { counted: { wrong: rows.slice(0, -2), tried: rows.at(-2) ?? [] } }
    if (row === undefined) return { outcome: 'gone', ...counted }
    const { tries_left: triesLeft, is_right: isRight } = decodeRecord(triedSchema, 'one-time value', row)
    const data = await this.#open(id, kind, { row, schema })
    return isRight === 1
      ? { outcome: 'right', data, ...counted }
      : { outcome: 'wrong', data, triesLeft, ...counted }
  }

  /** Removes up to `limit` expired rows. @returns how many */
  sweep(now: number, limit: number): Promise<number> {
    const table = { name: 'one_time_values', key: 'id', time: 'expires_at' }
    return new ExpiredRowsStore(this.#db, table).sweep(now, limit)
  }

  async #rowOf(value: NewOneTimeValue, now: number): Promise<Row> {
    const { kind, data, lifetimeSeconds, code } = value
    if (lifetimeSeconds > MAX_LIFETIME_SECONDS) throw new RangeError('a one-time value lasts 30 days at most')
    const token = generateToken()
    const id = (await idOfToken(token)) ?? ''
    const [codeHash] = this.#codeHashes
    const hash = code === undefined || codeHash === undefined ? null : await hashOf(codeHash, id, code)
    const sealed = await this.#sealer.sealValue({ id, kind, data })
    return { token, values: [id, kind, hash, triesOf(value), sealed, now + lifetimeSeconds] }
  }

  /** Opens the data of a row. The seal names the row, so that the data of one row does not open in another row. */
  async #open<T>(
    id: string,
    kind: OneTimeKind,
    { row, schema }: { row: unknown; schema: z.ZodMiniType<T> },
  ): Promise<T> {
    const { sealed } = decodeRecord(usedSchema, 'one-time value', row)
    const content = z.object({ id: z.literal(id), kind: z.literal(kind), data: schema })
    const opened = await this.#sealer.openValue(sealed, content)
    if (opened === null) throw new CorruptRecord(`a one-time value of the kind ${kind} does not open`)
    return opened.data as T
  }
}

async function hashOf(hash: KeyedHash, id: string, code: string): Promise<string> {
  return base64url.encode(await hash.digest(id, code))
}

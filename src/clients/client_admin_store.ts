import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import {
  assignmentsOf,
  type EditOutcome,
  judgeEdit,
  type TokenStarts,
  tokenStartAssignmentsOf,
  versionGuard,
} from '../lib/edit.ts'
import { callStore } from '../lib/storage_error.ts'
import { CLIENT_RECORD_COLUMNS, type ClientRecord, decodeClientRecord, SECRET_ID } from './client_record.ts'
import type { NewSecret } from './client_secret.ts'
import { type ClientEditValues, type ClientValues, toColumns } from './client_values.ts'

/** A change of a client. An absent member keeps its value. */
export interface ClientEdit extends TokenStarts, ClientEditValues {
  enabled?: boolean | undefined
}

export interface ClientConditions {
  /** The client must have one of these versions; null for any version. */
  versions: readonly number[] | null
  now: number
}

const SELECT_CLIENTS = `SELECT ${CLIENT_RECORD_COLUMNS} FROM clients c`
const IS_LIVE = '(expires_at IS NULL OR expires_at > ?)'

const takenSchema = z.object({ id: z.nullable(z.string()), hash: z.nullable(z.string()) })

/** Lists and changes clients in D1 for operators. The caller renews the copies of a changed client. */
export class ClientAdminStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async find(id: string): Promise<ClientRecord | null> {
    const row = await callStore('D1 clients', () => this.#select(id).first())
    return row === null ? null : decodeClientRecord(row)
  }

  /** Finds the existing clients of these ids. @throws StorageUnavailable, CorruptRecord */
  async findMany(ids: readonly string[]): Promise<ClientRecord[]> {
    if (ids.length === 0) return []
    const select = this.#db
      .prepare(`${SELECT_CLIENTS} WHERE c.client_id IN (SELECT value FROM json_each(?))`)
      .bind(JSON.stringify(ids))
    const { results } = await callStore('D1 clients', () => select.all())
    return results.map(decodeClientRecord)
  }

  /**
   * Finds the ids and secret hashes that a client already uses. An expired secret counts as used.
   *
   * @throws StorageUnavailable
   */
  async findTaken({
    ids,
    secretHashes,
  }: {
    ids: readonly string[]
    secretHashes: readonly string[]
  }): Promise<{ ids: ReadonlySet<string>; secretHashes: ReadonlySet<string> }> {
    const select = this.#db
      .prepare(
        `SELECT client_id AS id, NULL AS hash FROM clients WHERE client_id IN (SELECT value FROM json_each(?))
         UNION ALL
         SELECT NULL, secret_hash FROM client_secrets WHERE secret_hash IN (SELECT value FROM json_each(?))`,
      )
      .bind(JSON.stringify(ids), JSON.stringify(secretHashes))
    const { results } = await callStore('D1 clients', () => select.all())
    const rows = decodeRecord(z.array(takenSchema), 'clients', results)
    return {
      ids: new Set(rows.flatMap(({ id }) => id ?? [])),
      secretHashes: new Set(rows.flatMap(({ hash }) => hash ?? [])),
    }
  }

  /**
   * Adds a client and its secret in one transaction with the statements `alongside`. If a deleted client had the same id, its
   * tokens stay revoked.
   *
   * @param start.secret Null for a client without a secret.
   * @param start.now The time of creation, Unix seconds.
   * @throws ConstraintFailed if the id or the secret is taken
   * @throws StorageUnavailable
   */
  async add(
    client: ClientValues,
    { secret, now }: { secret: NewSecret | null; now: number },
    alongside: D1PreparedStatement[],
  ): Promise<void> {
    const columns = Object.entries({ ...toColumns(client), created_at: now })
    const insert = this.#db
      .prepare(
        `INSERT INTO clients (${columns.map(([column]) => column).join(', ')}, tokens_valid_from)
         VALUES (${columns.map(() => '?').join(', ')},
           max(?, coalesce((SELECT before FROM cutoffs WHERE kind = 'client_id' AND value = ?), 0)))`,
      )
      .bind(...columns.map(([, value]) => value), now, client.id)
    const insertSecret = secret === null ? [] : [this.#insertSecret(client.id, secret, now)]
    await callStore('D1 clients', () => this.#db.batch([insert, ...insertSecret, ...alongside]))
  }

  #insertSecret(clientId: string, { id, hash }: NewSecret, now: number): D1PreparedStatement {
    return this.#db
      .prepare(
        'INSERT INTO client_secrets (secret_hash, client_id, created_at, secret_id) VALUES (?, ?, ?, ?)',
      )
      .bind(hash, clientId, now, id)
  }

  /**
   * Changes a client if the conditions are true, in one transaction with the statements `alongside`. These must do nothing if
   * `changes()` is 0.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  change(
    id: string,
    edit: ClientEdit,
    conditions: ClientConditions,
    alongside: D1PreparedStatement[],
  ): Promise<EditOutcome<ClientRecord>> {
    const changes = assignmentsOf(toColumns(edit))
    const guard = versionGuard(conditions.versions)
    const starts = tokenStartAssignmentsOf(edit)
    const update = this.#db
      .prepare(
        `UPDATE clients SET ${changes.sql} ${starts.sql} version = version + 1, updated_at = ?
         WHERE client_id = ? AND ${guard.sql}`,
      )
      .bind(...changes.values, ...starts.values, conditions.now, id, ...guard.values)
    return this.#run(id, [update, ...alongside], conditions)
  }

  /** Deletes a client and its secrets, under the same conditions as `change`. @throws StorageUnavailable, CorruptRecord */
  remove(
    id: string,
    conditions: ClientConditions,
    alongside: D1PreparedStatement[],
  ): Promise<EditOutcome<ClientRecord>> {
    const guard = versionGuard(conditions.versions)
    const remove = this.#db
      .prepare(`DELETE FROM clients WHERE client_id = ? AND ${guard.sql}`)
      .bind(id, ...guard.values)
    return this.#run(id, [remove, ...alongside], conditions)
  }

  /**
   * Adds a secret to a confidential client. The outcome is `refused` if the client has keys or two live secrets.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  addSecret(
    clientId: string,
    secret: NewSecret,
    conditions: ClientConditions,
    alongside: D1PreparedStatement[],
  ): Promise<EditOutcome<ClientRecord>> {
    const { now, versions } = conditions
    const guard = versionGuard(versions)
    const insert = this.#db
      .prepare(
        `INSERT INTO client_secrets (secret_hash, client_id, created_at, secret_id)
         SELECT ?, client_id, ?, ? FROM clients WHERE client_id = ? AND confidential = 1 AND jwks IS NULL AND jwks_uri IS NULL
           AND ${guard.sql}
           AND (SELECT count(*) FROM client_secrets AS s WHERE s.client_id = clients.client_id AND ${IS_LIVE}) < 2`,
      )
      .bind(secret.hash, now, secret.id, clientId, ...guard.values, now)
    return this.#run(clientId, [insert, this.#touch(clientId, now), ...alongside], conditions)
  }

  /**
   * Sets the end of a live secret. The outcome is `refused` if the client has no live secret with this id.
   *
   * @param end.expiresAt Unix seconds.
   * @throws StorageUnavailable, CorruptRecord
   */
  endSecret(
    clientId: string,
    { secretId, expiresAt }: { secretId: string; expiresAt: number },
    conditions: ClientConditions,
    alongside: D1PreparedStatement[],
  ): Promise<EditOutcome<ClientRecord>> {
    const { now, versions } = conditions
    const guard = versionGuard(versions)
    const end = this.#db
      .prepare(
        `UPDATE client_secrets SET expires_at = ? WHERE client_id = ? AND ${SECRET_ID} = ? AND ${IS_LIVE}
           AND EXISTS (SELECT 1 FROM clients WHERE client_id = client_secrets.client_id AND ${guard.sql})`,
      )
      .bind(expiresAt, clientId, secretId, now, ...guard.values)
    return this.#run(clientId, [end, this.#touch(clientId, now), ...alongside], conditions)
  }

  /** Increments the version if the previous statement changed a row. */
  #touch(id: string, now: number): D1PreparedStatement {
    return this.#db
      .prepare(
        'UPDATE clients SET version = version + 1, updated_at = ? WHERE client_id = ? AND changes() > 0',
      )
      .bind(now, id)
  }

  async #run(
    id: string,
    statements: D1PreparedStatement[],
    { versions }: ClientConditions,
  ): Promise<EditOutcome<ClientRecord>> {
    const results = await callStore('D1 clients', () => this.#db.batch([...statements, this.#select(id)]))
    const row = results.at(-1)?.results[0]
    const isChanged = (results[0]?.meta.changes ?? 0) > 0
    return judgeEdit(row === undefined ? null : decodeClientRecord(row), { isChanged, versions })
  }

  #select(id: string): D1PreparedStatement {
    return this.#db.prepare(`${SELECT_CLIENTS} WHERE c.client_id = ?`).bind(id)
  }
}

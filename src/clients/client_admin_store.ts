import * as z from 'zod/mini'
import { decodeRecord } from '../lib/decode.ts'
import {
  assignmentsOf,
  cutOffAssignmentsOf,
  type EditOutcome,
  judgeEdit,
  type TokenStarts,
  versionGuard,
} from '../lib/edit.ts'
import { callStore } from '../lib/storage_error.ts'
import { where } from '../lib/where.ts'
import type { Client } from './client.ts'
import { type ClientRecord, decodeClientRecord } from './client_record.ts'

/** A secret to be added. Times are Unix seconds. */
export interface NewSecret {
  id: string
  /** SHA-256 of the secret, base64url. */
  hash: string
}

/** What may change about a client; what is absent stays. */
export interface ClientEdit extends TokenStarts {
  name?: string | undefined
  grants?: readonly string[] | undefined
  scopes?: readonly string[] | undefined
  origins?: readonly string[] | undefined
  accessTokenLifetimeSeconds?: number | null | undefined
  refreshTokenLifetimeSeconds?: number | null | undefined
  enabled?: boolean | undefined
}

export interface ClientConditions {
  /** One of these versions; null for any. */
  versions: readonly number[] | null
  now: number
}

export interface ClientFilter {
  /** A part of the id or the name. */
  text: string | null
  api: string | null
  enabled: boolean | null
}

/** A secret that a version before the admin API added has no name of its own. */
const SECRET_ID = `coalesce(secret_id, 'at-' || created_at)`
const IS_LIVE = '(expires_at IS NULL OR expires_at > ?)'

const SELECT_CLIENTS = `
  SELECT c.*, '[]' AS secrets,
    (SELECT json_group_array(json_object('id', ${SECRET_ID}, 'createdAt', created_at, 'expiresAt', expires_at,
        'lastUsedAt', last_used_at))
       FROM (SELECT * FROM client_secrets WHERE client_id = c.client_id ORDER BY created_at DESC, secret_id)) AS admin_secrets
  FROM clients c`

const takenSchema = z.object({ id: z.nullable(z.string()), hash: z.nullable(z.string()) })

/** Clients as operators list and change them, in D1. Whoever changes one renews its copies after that. */
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

  /** Clients after an id, by id. @throws StorageUnavailable, CorruptRecord */
  async list(
    { text, api, enabled }: ClientFilter,
    after: string | null,
    limit: number,
  ): Promise<ClientRecord[]> {
    const { sql, values } = where([
      [
        '(instr(lower(c.client_id), lower(?)) > 0 OR instr(lower(c.name), lower(?)) > 0)',
        text === null ? null : [text, text],
      ],
      ['c.api = ?', api],
      ['c.enabled = ?', enabled],
      ['c.client_id > ?', after],
    ])
    const select = this.#db
      .prepare(`${SELECT_CLIENTS} ${sql} ORDER BY c.client_id LIMIT ?`)
      .bind(...values, limit)
    const { results } = await callStore('D1 clients', () => select.all())
    return results.map(decodeClientRecord)
  }

  /**
   * Which of the ids and of the hashes of secrets are taken. A secret stays taken after its end.
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
   * Adds a client with its secret, if it has one, where the id is free. Tokens of a client of the same id that was
   * deleted stay dead.
   *
   * @returns Whether the id was free
   * @throws StorageUnavailable
   */
  async add(
    client: Omit<Client, 'secrets'>,
    secret: NewSecret | null,
    alongside: D1PreparedStatement[],
  ): Promise<boolean> {
    const { id, name, api, createdAt } = client
    const lists = [client.grants, client.scopes, client.origins].map((list) => JSON.stringify(list))
    const insert = this.#db
      .prepare(
        `INSERT INTO clients (client_id, name, api, grants, scopes, origins, confidential, enabled, created_at,
           access_token_lifetime, refresh_token_lifetime, tokens_valid_from)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
           max(?9, coalesce((SELECT before FROM cutoffs WHERE kind = 'client_id' AND value = ?1), 0)))
         ON CONFLICT DO NOTHING`,
      )
      .bind(
        ...[id, name, api, ...lists, Number(client.confidential), Number(client.enabled), createdAt],
        ...[client.accessTokenLifetimeSeconds, client.refreshTokenLifetimeSeconds],
      )
    const insertSecret = secret === null ? [] : [this.#insertSecret(id, secret, createdAt)]
    const [inserted] = await callStore('D1 clients', () =>
      this.#db.batch([insert, ...insertSecret, ...alongside]),
    )
    return (inserted?.meta.changes ?? 0) > 0
  }

  #insertSecret(clientId: string, { id, hash }: NewSecret, now: number): D1PreparedStatement {
    return this.#db
      .prepare(
        `INSERT INTO client_secrets (secret_hash, client_id, created_at, secret_id)
         SELECT ?, ?, ?, ? WHERE changes() > 0`,
      )
      .bind(hash, clientId, now, id)
  }

  /**
   * Changes a client where the conditions hold, in one transaction with what must happen alongside: statements that do
   * nothing where `changes()` is 0.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  change(
    id: string,
    edit: ClientEdit,
    conditions: ClientConditions,
    alongside: D1PreparedStatement[],
  ): Promise<EditOutcome<ClientRecord>> {
    const changes = assignmentsOf(columnsOf(edit))
    const guard = versionGuard(conditions.versions)
    const cutOffs = cutOffAssignmentsOf(edit)
    const update = this.#db
      .prepare(
        `UPDATE clients SET ${changes.sql} ${cutOffs.sql} version = version + 1, updated_at = ?
         WHERE client_id = ? AND ${guard.sql}`,
      )
      .bind(...changes.values, ...cutOffs.values, conditions.now, id, ...guard.values)
    return this.#run(id, [update, ...alongside], conditions)
  }

  /** Removes a client and its secrets, as `change` does. @throws StorageUnavailable, CorruptRecord */
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
   * Adds a secret to a confidential client that has fewer than two live ones; refused where it has two.
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
         SELECT ?, client_id, ?, ? FROM clients WHERE client_id = ? AND confidential = 1 AND ${guard.sql}
           AND (SELECT count(*) FROM client_secrets AS s WHERE s.client_id = clients.client_id AND ${IS_LIVE}) < 2`,
      )
      .bind(secret.hash, now, secret.id, clientId, ...guard.values, now)
    return this.#run(clientId, [insert, this.#touch(clientId, now), ...alongside], conditions)
  }

  /**
   * Gives a live secret an end; refused where there is no such live secret.
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

  /** A new version, where the statement before it changed something. */
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

function columnsOf(edit: ClientEdit) {
  return {
    name: edit.name,
    grants: edit.grants && JSON.stringify(edit.grants),
    scopes: edit.scopes && JSON.stringify(edit.scopes),
    origins: edit.origins && JSON.stringify(edit.origins),
    access_token_lifetime: edit.accessTokenLifetimeSeconds,
    refresh_token_lifetime: edit.refreshTokenLifetimeSeconds,
    enabled: edit.enabled === undefined ? undefined : Number(edit.enabled),
  }
}

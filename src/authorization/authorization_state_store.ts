import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { decodeUserRow, USER_COLUMNS, type User } from '../users/user.ts'
import type { UserDatabases } from '../users/user_databases_store.ts'

/** The user and the ids of a browser session (`idsOf`, at most 6), and the consent that a request needs. */
interface StateQuery {
  subject: string
  browserIds: readonly string[]
  /** Null for a first-party client. */
  consentId: string | null
}

/** The stored state of the user, the browser session and the consent. */
export interface AuthorizationState {
  /** Null if the user was deleted. */
  user: User | null
  /** The ids of the query that a logout, a lock or the user ended. One of them ends the browser session. */
  endedBrowserIds: readonly string[]
  /** The scopes of the valid consent; null without a valid consent. */
  consentedScopes: readonly string[] | null
  /** Codes under the consent that were issued before this second are refused. Unix seconds. */
  consentValidFrom: number
}

const SELECT = `
  SELECT ${USER_COLUMNS.map((name) => `u.${name}`).join(', ')},
    (SELECT json_group_array(id) FROM ended_browser_sessions WHERE id IN (SELECT value FROM json_each(?2))) AS ended_ids,
    iif(g.withdrawn_at IS NULL, g.scopes, NULL) AS consented_scopes, g.valid_from AS consent_valid_from
  FROM (SELECT 1) LEFT JOIN users AS u ON u.id = ?1 LEFT JOIN consents AS g ON g.id = ?3`

const rowSchema = z.object({
  id: z.nullable(z.string()),
  ended_ids: z.string(),
  consented_scopes: z.nullable(z.string()),
  consent_valid_from: z.nullable(z.int()),
})
const textsSchema: z.ZodMiniType<string[]> = z.array(z.string())

/** Reads all that an authorization request of a signed-in browser needs, at the primaries. */
export class AuthorizationStateStore {
  readonly #databases: UserDatabases

  constructor(databases: UserDatabases) {
    this.#databases = databases
  }

  /**
   * Reads the main database, and that of the user at the same time. The exchange of the code checks all of it again.
   *
   * @throws StorageUnavailable, CorruptRecord
   */
  async find(query: StateQuery): Promise<AuthorizationState> {
    const { home } = this.#databases
    const db = this.#databases.of(query.subject)
    const [state, apart] = await Promise.all([read(home, query), db === home ? null : read(db, query)])
    return apart === null ? state : { ...state, user: apart.user }
  }
}

async function read(
  db: D1Database,
  { subject, browserIds, consentId }: StateQuery,
): Promise<AuthorizationState> {
  const row = await callStore('D1 users', () =>
    db
      .withSession('first-primary')
      .prepare(SELECT)
      .bind(subject, JSON.stringify(browserIds), consentId)
      .first(),
  )
  const decoded = decodeRecord(rowSchema, 'authorization state', row)
  const { consented_scopes: scopes, ended_ids: endedIds } = decoded
  return {
    user: decoded.id === null ? null : decodeUserRow(row),
    endedBrowserIds: decodeTexts('ended browser sessions', endedIds),
    consentedScopes: scopes === null ? null : decodeTexts('consent', scopes),
    consentValidFrom: decoded.consent_valid_from ?? 0,
  }
}

function decodeTexts(record: string, json: string): string[] {
  return decodeRecord(textsSchema, record, parseJsonColumn(record, json))
}

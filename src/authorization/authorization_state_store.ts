import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { decodeUserRow, USER_COLUMNS, type User } from '../users/user.ts'
import type { UserDatabases } from '../users/user_databases_store.ts'

/** The user and the id of a browser session, and the consent that a request needs. */
interface StateQuery {
  subject: string
  browserId: string
  /** Null for a first-party client. */
  consentId: string | null
}

/** The stored state of the user, the browser session and the consent. */
export interface AuthorizationState {
  /** Null if the user was deleted. */
  user: User | null
  /** Whether a logout or a lock ended the browser session. */
  hasEnded: boolean
  /** The scopes of the valid consent; null without a valid consent. */
  consentedScopes: readonly string[] | null
  /** Codes under the consent that were issued before this second are refused. Unix seconds. */
  consentValidFrom: number
}

const SELECT = `
  SELECT ${USER_COLUMNS.map((name) => `u.${name}`).join(', ')},
    EXISTS (SELECT 1 FROM ended_browser_sessions WHERE id = ?2) AS has_ended,
    iif(g.withdrawn_at IS NULL, g.scopes, NULL) AS consented_scopes, g.valid_from AS consent_valid_from
  FROM (SELECT 1) LEFT JOIN users AS u ON u.id = ?1 LEFT JOIN consents AS g ON g.id = ?3`

const rowSchema = z.object({
  id: z.nullable(z.string()),
  has_ended: z.int(),
  consented_scopes: z.nullable(z.string()),
  consent_valid_from: z.nullable(z.int()),
})
const scopesSchema: z.ZodMiniType<string[]> = z.array(z.string())

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
  { subject, browserId, consentId }: StateQuery,
): Promise<AuthorizationState> {
  const row = await callStore('D1 users', () =>
    db.withSession('first-primary').prepare(SELECT).bind(subject, browserId, consentId).first(),
  )
  const decoded = decodeRecord(rowSchema, 'authorization state', row)
  const { consented_scopes: scopes } = decoded
  return {
    user: decoded.id === null ? null : decodeUserRow(row),
    hasEnded: decoded.has_ended === 1,
    consentedScopes:
      scopes === null ? null : decodeRecord(scopesSchema, 'consent', parseJsonColumn('consent', scopes)),
    consentValidFrom: decoded.consent_valid_from ?? 0,
  }
}

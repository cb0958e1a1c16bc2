import * as z from 'zod/mini'
import { decodeRecord, parseJsonColumn } from '../lib/decode.ts'
import { callStore } from '../lib/storage_error.ts'
import { decodeUserRow, MAX_AHEAD_SECONDS, USER_COLUMNS, type User } from '../users/user.ts'

/** A token, for the question whether those whom it was issued to may still use it. */
export interface HolderQuery {
  clientId: string
  api: string
  /** The hash of the secret that the client authenticated by now; null where that is not asked. */
  secretHash: string | null
  /** The person; null where it is a visitor or a client. */
  subject: string | null
  /** The pool of the API. */
  pool: string
  /** An access token, a refresh token that is described, or a refresh token that is used. */
  kind: 'access' | 'refresh' | 'used refresh'
  /** The `jti` of an access token without a session, which a cut-off may name. Else null. */
  jti: string | null
  /** Unix seconds. */
  issuedAt: number
  now: number
}

/** Whom a token is for. */
export interface Holder {
  /** Why they may not use it; null where they may. */
  problem: HolderProblem | null
  /** Null where that is a visitor or a client, or nobody any more. */
  user: User | null
  /** The current scopes of the client in the database; empty if the client is gone. */
  clientScopes: readonly string[]
  /** Access tokens of the client that were issued before this second are refused. Unix seconds. */
  clientValidFrom: number
}

/** The client and the person of a token, as the database has them now. */
const HOLDER = `
  (SELECT ?1 AS client_id, ?2 AS api, ?3 AS secret_hash, ?4 AS subject, ?5 AS pool, ?6 AS kind, ?7 AS jti,
     ?8 AS issued_at, ?9 AS now) AS token
  LEFT JOIN clients AS c ON c.client_id = token.client_id
  LEFT JOIN users AS u ON u.id = token.subject`

/** What must hold, in the order in which it is asked. */
const CONDITIONS = {
  'the client is disabled or gone': 'c.enabled = 1',
  'the client is of another API': 'c.api = token.api',
  "the client's tokens were cut off": 'c.tokens_valid_from <= token.issued_at',
  'a secret that was retired': `token.secret_hash IS NULL OR EXISTS (SELECT 1 FROM client_secrets AS s
    WHERE s.secret_hash = token.secret_hash AND s.client_id = token.client_id
      AND (s.expires_at IS NULL OR s.expires_at > token.now))`,
  // The token's own cut-off may have been merged into one of its client or of all tokens.
  'the token was revoked': `token.jti IS NULL OR NOT EXISTS (SELECT 1 FROM cutoffs AS j
    WHERE j.before > token.issued_at AND (j.kind = 'jti' AND j.value = token.jti
      OR j.kind = 'client_id' AND j.value = token.client_id OR j.kind = 'all' AND j.value = ''))`,
  'the user is gone': 'token.subject IS NULL OR u.id IS NOT NULL',
  'the user is disabled': 'token.subject IS NULL OR u.enabled = 1',
  'the user is of another pool': 'token.subject IS NULL OR u.pool = token.pool',
  'signed out everywhere since': 'token.subject IS NULL OR u.tokens_valid_from <= token.issued_at',
  'a role was removed since':
    "token.kind <> 'access' OR token.subject IS NULL OR u.access_valid_from <= token.issued_at",
  'the client lost a scope or a grant since':
    "token.kind <> 'access' OR c.access_valid_from <= token.issued_at",
  // Whatever else of a person does not decode, the table refuses.
  'the roles are no list of names': `token.subject IS NULL OR (json_type(u.roles) = 'array'
    AND NOT EXISTS (SELECT 1 FROM json_each(u.roles) WHERE type <> 'text'))`,
  'the sign-out lies ahead': `token.subject IS NULL
    OR max(u.tokens_valid_from, u.access_valid_from) <= token.now + ${MAX_AHEAD_SECONDS}`,
  'the client lost a scope or a grant a moment ago':
    "token.kind <> 'used refresh' OR c.access_valid_from <= token.now",
} as const

export type HolderProblem = keyof typeof CONDITIONS

/** The first condition that does not hold; NULL where each does. A comparison with what is not there does not hold. */
const PROBLEM = `CASE ${Object.entries(CONDITIONS)
  .map(([problem, sql]) => `WHEN (${sql}) IS NOT TRUE THEN '${problem.replaceAll("'", "''")}'`)
  .join(' ')} END`

const SELECT_HOLDER = `SELECT ${PROBLEM} AS problem, c.scopes AS client_scopes, c.access_valid_from AS client_valid_from,
  ${USER_COLUMNS.map((name) => `u.${name}`).join(', ')} FROM ${HOLDER}`

const rowSchema = z.object({
  problem: z.nullable(z.enum(Object.keys(CONDITIONS) as [HolderProblem, ...HolderProblem[]])),
  id: z.nullable(z.string()),
  client_scopes: z.nullable(z.string()),
  client_valid_from: z.nullable(z.int()),
})
const scopesSchema: z.ZodMiniType<string[]> = z.array(z.string())

/** A condition for a statement of the same transaction: it changes nothing where the holder has a problem. */
export interface HolderGuard {
  sql: string
  /** `?1` to `?9`: those of the statement come after them. */
  parameters: readonly unknown[]
}

/** For a statement whose holder was asked about before. */
export const NO_GUARD: HolderGuard = { sql: 'TRUE', parameters: Array(9).fill(null) }

/** Who holds a token: its client and its person, of record in the main database. */
export class HolderStore {
  readonly #db: D1Database

  constructor(db: D1Database) {
    this.#db = db
  }

  /** Whether that is the database that has the clients and people: then one transaction can ask for both. */
  isIn(db: D1Database): boolean {
    return db === this.#db
  }

  /** @throws StorageUnavailable, CorruptRecord */
  async find(query: HolderQuery): Promise<Holder> {
    return decodeHolder(await callStore('D1 clients', () => this.select(query).first()))
  }

  /** The question, for a batch; `decodeHolder` reads the row. */
  select(query: HolderQuery): D1PreparedStatement {
    return this.#db.prepare(SELECT_HOLDER).bind(...parametersOf(query))
  }
}

export function guardFor(query: HolderQuery): HolderGuard {
  return { sql: `(SELECT ${PROBLEM} FROM ${HOLDER}) IS NULL`, parameters: parametersOf(query) }
}

/** @throws CorruptRecord */
export function decodeHolder(row: unknown): Holder {
  const { problem, id, client_scopes, client_valid_from } = decodeRecord(rowSchema, 'token holder', row)
  const scopes = parseJsonColumn('token holder', client_scopes ?? '[]')
  return {
    problem,
    user: id === null ? null : decodeUserRow(row),
    clientScopes: decodeRecord(scopesSchema, 'token holder', scopes),
    clientValidFrom: client_valid_from ?? 0,
  }
}

function parametersOf(query: HolderQuery): unknown[] {
  const { clientId, api, secretHash, subject, pool, kind, jti, issuedAt, now } = query
  return [clientId, api, secretHash, subject, pool, kind, jti, issuedAt, now]
}

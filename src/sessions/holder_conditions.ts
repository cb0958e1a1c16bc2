import { MAX_AHEAD_SECONDS } from '../users/user.ts'

/** A token whose client and user the statements check. The statements read it as one JSON parameter. */
export interface HolderQuery {
  clientId: string
  api: string
  /** The hash of the secret that the client authenticated with; null if the secret is not checked. */
  secretHash: string | null
  /** The key that the client authenticated with (`KeyProof.key`); null if the key is not checked. */
  clientKey: string | null
  /**
   * The token is refused if a secret of the client expired or a key of it was removed after this second. Absent if earlier secrets and
   * keys do not matter.
   */
  credentialsSince?: number
  /** The id of the user; null if the token belongs to a visitor or to the client itself. */
  subject: string | null
  /** The pool of the API. */
  pool: string
  /** `refresh`: a refresh token in an introspection. `exchanged`: a refresh token or a code that the client exchanges. */
  kind: 'access' | 'refresh' | 'exchanged'
  /** The `jti` of an access token without a session, because a revocation can name it; null for other tokens. */
  jti: string | null
  /** The browser session in which the user signed in; absent if its end does not count. */
  browserId?: string | null
  /** The consent under which a session begins; absent if its withdrawal does not count. */
  consentId?: string | null
  /** The latest revocation of the client that the caller knows. A copy of the holder must be newer. Absent if it does not matter. */
  validSince?: number
  /** The binding of the further database with the user. Absent if the user is in the main database. */
  userBinding?: string
  /** Unix seconds. */
  issuedAt: number
  now: number
}

/** One row: the token, with its client and its user if they exist. `?1` is a `HolderQuery` as JSON. */
export const HOLDER = `
  (SELECT ?1 ->> 'clientId' AS client_id, ?1 ->> 'api' AS api, ?1 ->> 'secretHash' AS secret_hash,
     ?1 ->> 'clientKey' AS client_key, ?1 ->> 'credentialsSince' AS credentials_since,
     ?1 ->> 'subject' AS subject, ?1 ->> 'pool' AS pool, ?1 ->> 'kind' AS kind, ?1 ->> 'jti' AS jti,
     ?1 ->> 'browserId' AS browser_id, ?1 ->> 'consentId' AS consent_id, ?1 ->> 'issuedAt' AS issued_at, ?1 ->> 'now' AS now) AS token
  LEFT JOIN clients AS c ON c.client_id = token.client_id
  LEFT JOIN users AS u ON u.id = token.subject`

/**
 * The conditions for a valid token, in the order in which SQL checks them. The property name is the problem that is reported if
 * the condition is false.
 */
export const CONDITIONS = {
  'the client is disabled or was deleted': 'c.enabled = 1',
  // The document and config.yml decide the APIs and keys of a client whose id is a URL, and its row can be older.
  'the client belongs to another API': `c.api = token.api OR c.metadata = 1
    OR EXISTS (SELECT 1 FROM json_each(c.additional_apis) WHERE value = token.api)`,
  "the client's tokens were revoked": 'c.tokens_valid_from <= token.issued_at',
  'the client secret was retired': `token.secret_hash IS NULL OR EXISTS (SELECT 1 FROM client_secrets AS s
    WHERE s.secret_hash = token.secret_hash AND s.client_id = token.client_id
      AND (s.expires_at IS NULL OR s.expires_at > token.now))`,
  // A public key is known by its modulus or its coordinate.
  'the key of the client was removed': `token.client_key IS NULL OR c.metadata = 1 OR token.client_key = c.jwks_uri OR EXISTS (SELECT 1 FROM json_each(c.jwks, '$.keys') AS k
    WHERE token.client_key IN (k.value ->> 'n', k.value ->> 'x'))`,
  'a secret of the client ended after the token was issued': `token.credentials_since IS NULL OR NOT EXISTS (
    SELECT 1 FROM client_secrets AS s WHERE s.client_id = token.client_id
      AND s.expires_at > token.credentials_since AND s.expires_at <= token.now)`,
  'a key of the client was removed after the token was issued':
    'token.credentials_since IS NULL OR c.keys_removed_at IS NULL OR c.keys_removed_at <= token.credentials_since',
  // The entry of this token may have been merged into an entry of its client or of all tokens.
  'the token was revoked': `token.jti IS NULL OR NOT EXISTS (SELECT 1 FROM cutoffs AS j
    WHERE j.before > token.issued_at AND (j.kind = 'jti' AND j.value = token.jti
      OR j.kind = 'client_id' AND j.value = token.client_id OR j.kind = 'all' AND j.value = ''))`,
  'the user was deleted': 'token.subject IS NULL OR u.id IS NOT NULL',
  'the user is disabled': 'token.subject IS NULL OR u.enabled = 1',
  'the user belongs to another pool': 'token.subject IS NULL OR u.pool = token.pool',
  'all sessions of the user were ended later':
    'token.subject IS NULL OR u.tokens_valid_from <= token.issued_at',
  'the browser session ended':
    'token.browser_id IS NULL OR NOT EXISTS (SELECT 1 FROM ended_browser_sessions AS b WHERE b.id = token.browser_id)',
  'the consent was withdrawn': `token.consent_id IS NULL OR NOT EXISTS (SELECT 1 FROM consents AS g
    WHERE g.id = token.consent_id AND g.valid_from > token.issued_at)`,
  'the user lost a role later':
    "token.kind <> 'access' OR token.subject IS NULL OR u.access_valid_from <= token.issued_at",
  'the client lost a scope or a grant later':
    "token.kind <> 'access' OR c.access_valid_from <= token.issued_at",
  // Other malformed values cannot occur, because the constraints of the table refuse them.
  'the roles are not a list of names': `token.subject IS NULL OR (json_type(u.roles) = 'array'
    AND NOT EXISTS (SELECT 1 FROM json_each(u.roles) WHERE type <> 'text'))`,
  'the sign-out time is in the future': `token.subject IS NULL
    OR max(u.tokens_valid_from, u.access_valid_from) <= token.now + ${MAX_AHEAD_SECONDS}`,
  'the client lost a scope or a grant seconds ago':
    "token.kind <> 'exchanged' OR c.access_valid_from <= token.now",
} as const

export type HolderProblem = keyof typeof CONDITIONS

/** The conditions that need the user alone. */
export const USER_CONDITIONS: Partial<Record<HolderProblem, string>> = Object.fromEntries(
  Object.entries(CONDITIONS).filter(([, sql]) => /\bu\./.test(sql)),
)

/** SQL for the first problem; NULL if every condition is true. A condition whose value is NULL counts as false. */
export function problemOf(conditions: Readonly<Partial<Record<string, string>>>): string {
  const cases = Object.entries(conditions).map(
    ([problem, sql]) => `WHEN (${sql}) IS NOT TRUE THEN '${problem.replaceAll("'", "''")}'`,
  )
  return `CASE ${cases.join(' ')} END`
}

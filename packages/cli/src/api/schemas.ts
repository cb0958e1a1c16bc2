// `npm run openapi` generates this file from the OpenAPI document. Do not edit it.

export type Problem = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly errors?: readonly ({
    readonly path: string
    readonly message: string
  })[]
}

export type AuditEvent = {
  readonly id: number
  readonly at: number
  readonly kind: string
  readonly outcome: string
  readonly reason: string
  readonly api: string | null
  readonly client_id: string | null
  readonly client_name: string | null
  readonly subject: string | null
  readonly subject_name: string | null
  readonly sid: string | null
  readonly address_prefix: string | null
  readonly device: string | null
  readonly country: string | null
  readonly actor: string | null
  readonly actor_name: string | null
  readonly actor_client: string | null
  readonly actor_client_name: string | null
  readonly grant: string | null
  readonly change: Readonly<Record<string, unknown>> | null
}

export type AuditEvents = {
  readonly items: readonly (AuditEvent)[]
  readonly total: number | null
  readonly total_is_exact: boolean
  readonly next_cursor: string | null
  readonly previous_cursor: string | null
  readonly archived_before: number | null
}

export type AuditExport = {
  readonly items: readonly (AuditEvent)[]
  readonly next_cursor: string | null
}

export type ClientDraft = {
  readonly client_id: string
  readonly name?: string
  readonly api: string
  readonly additional_apis?: readonly (string)[]
  readonly grants: readonly ('password' | 'client_credentials' | 'authorization_code' | 'refresh_token')[]
  readonly scopes?: readonly (string)[]
  readonly origins?: readonly (string)[]
  readonly confidential?: boolean
  readonly enabled?: boolean
  readonly access_token_lifetime?: number | null
  readonly refresh_token_lifetime?: number | null
  readonly refresh?: 'rotate' | 'until_used' | 'fixed'
  readonly refresh_retry_window?: number | null
  readonly errors?: 'rfc6749' | 'oro' | null
  readonly jwks?: {
    readonly keys: readonly ({
      readonly kty: string
    })[]
  } | null
  readonly jwks_uri?: string | null
  readonly assertion_audience?: 'issuer' | 'token_endpoint'
  readonly redirect_uris?: readonly (string)[]
  readonly post_logout_redirect_uris?: readonly (string)[]
  readonly first_party?: boolean
  readonly require_pkce?: boolean
  readonly dpop_bound_access_tokens?: boolean
  readonly incremental_scopes?: boolean
  readonly id_token_signed_response_alg?: 'RS256' | 'ES256'
  readonly logo_uri?: string | null
  readonly client_uri?: string | null
  readonly policy_uri?: string | null
  readonly tos_uri?: string | null
}

export type ClientEdit = {
  readonly name?: string
  readonly additional_apis?: readonly (string)[]
  readonly grants?: readonly ('password' | 'client_credentials' | 'authorization_code' | 'refresh_token')[]
  readonly scopes?: readonly (string)[]
  readonly origins?: readonly (string)[]
  readonly access_token_lifetime?: number | null
  readonly refresh_token_lifetime?: number | null
  readonly refresh?: 'rotate' | 'until_used' | 'fixed'
  readonly refresh_retry_window?: number | null
  readonly errors?: 'rfc6749' | 'oro' | null
  readonly jwks?: {
    readonly keys: readonly ({
      readonly kty: string
    })[]
  } | null
  readonly jwks_uri?: string | null
  readonly assertion_audience?: 'issuer' | 'token_endpoint'
  readonly redirect_uris?: readonly (string)[]
  readonly post_logout_redirect_uris?: readonly (string)[]
  readonly first_party?: boolean
  readonly require_pkce?: boolean
  readonly dpop_bound_access_tokens?: boolean
  readonly incremental_scopes?: boolean
  readonly id_token_signed_response_alg?: 'RS256' | 'ES256'
  readonly logo_uri?: string | null
  readonly client_uri?: string | null
  readonly policy_uri?: string | null
  readonly tos_uri?: string | null
}

export type ClientSecret = {
  readonly secret_id: string
  readonly created_at: number
  readonly expires_at: number | null
  readonly last_used_at: number | null
}

export type Client = {
  readonly client_id: string
  readonly name: string
  readonly api: string
  readonly additional_apis: readonly (string)[]
  readonly grants: readonly ('password' | 'client_credentials' | 'authorization_code' | 'refresh_token')[]
  readonly scopes: readonly (string)[]
  readonly origins: readonly (string)[]
  readonly confidential: boolean
  readonly enabled: boolean
  readonly access_token_lifetime: number | null
  readonly refresh_token_lifetime: number | null
  readonly refresh: 'rotate' | 'until_used' | 'fixed'
  readonly refresh_retry_window: number | null
  readonly errors: 'rfc6749' | 'oro' | null
  readonly jwks: {
    readonly keys: readonly ({
      readonly kty: string
    })[]
  } | null
  readonly jwks_uri: string | null
  readonly assertion_audience: 'issuer' | 'token_endpoint'
  readonly redirect_uris: readonly (string)[]
  readonly post_logout_redirect_uris: readonly (string)[]
  readonly first_party: boolean
  readonly require_pkce: boolean
  readonly dpop_bound_access_tokens: boolean
  readonly incremental_scopes: boolean
  readonly id_token_signed_response_alg: 'RS256' | 'ES256'
  readonly logo_uri: string | null
  readonly client_uri: string | null
  readonly policy_uri: string | null
  readonly tos_uri: string | null
  readonly secrets: readonly (ClientSecret)[]
  readonly created_at: number
  readonly updated_at: number
  readonly last_used_at: number | null
}

export type ClientWithSecret = {
  readonly client_id: string
  readonly name: string
  readonly api: string
  readonly additional_apis: readonly (string)[]
  readonly grants: readonly ('password' | 'client_credentials' | 'authorization_code' | 'refresh_token')[]
  readonly scopes: readonly (string)[]
  readonly origins: readonly (string)[]
  readonly confidential: boolean
  readonly enabled: boolean
  readonly access_token_lifetime: number | null
  readonly refresh_token_lifetime: number | null
  readonly refresh: 'rotate' | 'until_used' | 'fixed'
  readonly refresh_retry_window: number | null
  readonly errors: 'rfc6749' | 'oro' | null
  readonly jwks: {
    readonly keys: readonly ({
      readonly kty: string
    })[]
  } | null
  readonly jwks_uri: string | null
  readonly assertion_audience: 'issuer' | 'token_endpoint'
  readonly redirect_uris: readonly (string)[]
  readonly post_logout_redirect_uris: readonly (string)[]
  readonly first_party: boolean
  readonly require_pkce: boolean
  readonly dpop_bound_access_tokens: boolean
  readonly incremental_scopes: boolean
  readonly id_token_signed_response_alg: 'RS256' | 'ES256'
  readonly logo_uri: string | null
  readonly client_uri: string | null
  readonly policy_uri: string | null
  readonly tos_uri: string | null
  readonly secrets: readonly (ClientSecret)[]
  readonly created_at: number
  readonly updated_at: number
  readonly last_used_at: number | null
  readonly client_secret: string | null
}

export type Clients = {
  readonly items: readonly (Client)[]
  readonly total: number | null
  readonly total_is_exact: boolean
  readonly next_cursor: string | null
  readonly previous_cursor: string | null
}

export type ImportBatch = {
  readonly rows: readonly (Readonly<Record<string, unknown>>)[]
  readonly dry_run?: boolean
}

export type ClientImportRow = {
  readonly client_id: string
  readonly name?: string
  readonly api: string
  readonly additional_apis?: readonly (string)[]
  readonly grants: readonly ('password' | 'client_credentials' | 'authorization_code' | 'refresh_token')[]
  readonly scopes?: readonly (string)[]
  readonly origins?: readonly (string)[]
  readonly confidential?: boolean
  readonly enabled?: boolean
  readonly access_token_lifetime?: number | null
  readonly refresh_token_lifetime?: number | null
  readonly refresh?: 'rotate' | 'until_used' | 'fixed'
  readonly refresh_retry_window?: number | null
  readonly errors?: 'rfc6749' | 'oro' | null
  readonly jwks?: {
    readonly keys: readonly ({
      readonly kty: string
    })[]
  } | null
  readonly jwks_uri?: string | null
  readonly assertion_audience?: 'issuer' | 'token_endpoint'
  readonly redirect_uris?: readonly (string)[]
  readonly post_logout_redirect_uris?: readonly (string)[]
  readonly first_party?: boolean
  readonly require_pkce?: boolean
  readonly dpop_bound_access_tokens?: boolean
  readonly incremental_scopes?: boolean
  readonly id_token_signed_response_alg?: 'RS256' | 'ES256'
  readonly logo_uri?: string | null
  readonly client_uri?: string | null
  readonly policy_uri?: string | null
  readonly tos_uri?: string | null
  readonly client_secret?: string
}

export type ClientImportReport = {
  readonly dry_run: boolean
  readonly results: readonly ({
    readonly index: number
    readonly status: 'created' | 'exists' | 'refused'
    readonly reason: string | null
    readonly client_secret: string | null
  })[]
}

export type SecretRetirement = {
  readonly expires_at?: number
}

export type SigningKey = {
  readonly kid: string
  readonly alg: string
  readonly state: 'next' | 'current' | 'verifying' | 'retired'
  readonly created_at: number
  readonly activates_at: number
  readonly retires_at: number | null
  readonly reason: 'ended' | 'compromised' | null
}

export type SigningKeys = {
  readonly items: readonly (SigningKey)[]
}

export type Resealing = {
  readonly resealed: readonly (string)[]
  readonly unopened: readonly (string)[]
}

export type Profile = {
  readonly given_name?: string
  readonly family_name?: string
  readonly name?: string
  readonly email?: string
  readonly locale?: string
}

export type UserDraft = {
  readonly pool: string
  readonly username: string
  readonly roles?: readonly (string)[]
  readonly profile?: Profile
  readonly enabled?: boolean
  readonly must_change_password?: boolean
  readonly password: string
}

export type UserEdit = {
  readonly username?: string
  readonly roles?: readonly (string)[]
  readonly profile?: Profile
  readonly must_change_password?: boolean
}

export type NewPassword = {
  readonly password: string
  readonly must_change_password?: boolean
}

export type User = {
  readonly id: string
  readonly pool: string
  readonly username: string
  readonly username_warnings: readonly (string)[]
  readonly roles: readonly (string)[]
  readonly profile: {
    readonly given_name?: string
    readonly family_name?: string
    readonly name?: string
    readonly email?: string
    readonly locale?: string
  }
  readonly email_verified: boolean
  readonly enabled: boolean
  readonly must_change_password: boolean
  readonly password_breached: boolean
  readonly deletion_at: number | null
  readonly created_at: number
  readonly updated_at: number
  readonly tokens_valid_from: number | null
}

export type Users = {
  readonly items: readonly (User)[]
  readonly total: number | null
  readonly total_is_exact: boolean
  readonly next_cursor: string | null
  readonly previous_cursor: string | null
}

export type Me = {
  readonly id: string
  readonly username: string
  readonly roles: readonly (string)[]
  readonly must_change_password: boolean
  readonly password_breached: boolean
  readonly client_id: string
  readonly sid: string
}

export type PasswordProof = {
  readonly current_password: string
}

export type Confirmation = {
  readonly confirmation: string
  readonly expires_in: number
}

export type OwnPassword = {
  readonly current_password: string
  readonly password: string
}

export type Tokens = {
  readonly token_type: 'Bearer' | 'DPoP'
  readonly expires_in: number
  readonly access_token: string
  readonly refresh_token?: string
  readonly scope?: string
}

export type Session = {
  readonly sid: string
  readonly subject: string
  readonly subject_name: string | null
  readonly client_id: string
  readonly client_name: string | null
  readonly api: string
  readonly state: 'live' | 'ended' | 'expired' | 'cut_off'
  readonly started_at: number
  readonly refresh_policy: 'rotate' | 'until_used' | 'fixed'
  readonly refreshes: number
  readonly last_refreshed_at: number | null
  readonly expires_at: number
  readonly ended_at: number | null
  readonly end_reason: string | null
  readonly device: string | null
  readonly country: string | null
}

export type Sessions = {
  readonly items: readonly (Session)[]
  readonly total: number | null
  readonly total_is_exact: boolean
  readonly next_cursor: string | null
  readonly previous_cursor: string | null
}

export type SessionEnd = {
  readonly at: number
  readonly reason: string
  readonly actor: string | null
  readonly actor_name: string | null
}

export type Found = {
  readonly type: 'user' | 'client' | 'session' | 'key'
  readonly id: string
  readonly name: string | null
  readonly detail: string
}

export type SearchResults = {
  readonly items: readonly (Found)[]
  readonly more: readonly ('user' | 'client' | 'session' | 'key')[]
}

export type SessionTimeline = {
  readonly session: Session
  readonly truncated: boolean
  readonly end: SessionEnd | null
  readonly ending: string
  readonly events: readonly (AuditEvent)[]
}

export type Statistics = {
  readonly from: number
  readonly to: number
  readonly bucket_seconds: number
  readonly counted_since: number | null
  readonly total: {
    readonly tokens: Readonly<Record<string, number>>
    readonly failures: number
    readonly thefts: number
    readonly breached_passwords: number
    readonly unchecked_passwords: number
    readonly active_sessions: number
    readonly failures_by_cause: Readonly<Record<string, number>>
  }
  readonly previous: {
    readonly from: number
    readonly to: number
    readonly total: {
      readonly tokens: Readonly<Record<string, number>>
      readonly failures: number
      readonly thefts: number
      readonly breached_passwords: number
      readonly unchecked_passwords: number
      readonly active_sessions: number
      readonly failures_by_cause: Readonly<Record<string, number>>
    }
  }
  readonly buckets: readonly ({
    readonly at: number
    readonly tokens: Readonly<Record<string, number>>
    readonly failures: number
    readonly thefts: number
    readonly breached_passwords: number
    readonly unchecked_passwords: number
    readonly active_sessions: number
  })[]
  readonly locked_accounts: number
  readonly next_key_change: {
    readonly at: number
    readonly published: boolean
  } | null
  readonly databases: readonly ({
    readonly name: string
    readonly bytes: number | null
    readonly limit_bytes: number
    readonly nearly_full: boolean
  })[]
  readonly revocation_feed: {
    readonly entries: number
    readonly max_entries: number
    readonly merged: readonly ({
      readonly client_id: string | null
      readonly before: number
    })[]
  } | null
}

export type Consent = {
  readonly consent_id: string
  readonly client_id: string
  readonly client_name: string | null
  readonly api: string
  readonly redirect_uri: string
  readonly scopes: readonly (string)[]
  readonly created_at: number
  readonly updated_at: number
  readonly withdrawn_at: number | null
}

export type Consents = {
  readonly items: readonly (Consent)[]
}

export type Factor = {
  readonly factor_id: string
  readonly kind: 'totp' | 'passkey'
  readonly name: string | null
  readonly created_at: number
  readonly last_used_at: number | null
  readonly recovery_codes_left: number | null
}

export type Factors = {
  readonly items: readonly (Factor)[]
}

export type UserSupport = {
  readonly last_sign_in_at: number | null
  readonly failed_sign_ins_today: number
  readonly failures: number
  readonly locked_until: number | null
  readonly live_sessions: number
}

export type UserExport = {
  readonly exported_at: number
  readonly user: User
  readonly password: {
    readonly breach_checked_at: number | null
    readonly replaceable: boolean
  }
  readonly access_tokens_valid_from: number | null
  readonly sign_ins: UserSupport
  readonly sessions: readonly (Session)[]
  readonly consents: readonly (Consent)[]
  readonly factors: readonly (Factor)[]
  readonly events: readonly (AuditEvent)[]
  readonly next_cursor: string | null
}

export type UserErasure = {
  readonly username: string
}

export type UserImportRow = {
  readonly pool: string
  readonly username: string
  readonly roles?: readonly (string)[]
  readonly profile?: Profile
  readonly enabled?: boolean
  readonly must_change_password?: boolean
  readonly email_verified?: boolean
  readonly password?: string
  readonly password_hash?: string
  readonly no_password?: true
}

export type UserImportBatch = {
  readonly rows: readonly (Readonly<Record<string, unknown>>)[]
  readonly dry_run?: boolean
  readonly replace_hashes?: boolean
  readonly emails_verified?: boolean
}

export type UserImportReport = {
  readonly dry_run: boolean
  readonly results: readonly ({
    readonly index: number
    readonly status: 'created' | 'updated' | 'exists' | 'refused'
    readonly reason: string | null
    readonly id: string | null
  })[]
}

export type Invitation = {
  readonly pool: string
  readonly username: string
  readonly roles?: readonly (string)[]
  readonly profile?: Profile
  readonly enabled?: boolean
}

export type HashVerification = {
  readonly password_hash: string
  readonly password: string
}

export type HashVerdict = {
  readonly matches: boolean
}

/** The body of the request of each operation that has one. */
export type Bodies = {
  'POST /me/confirm': PasswordProof
  'POST /me/password': OwnPassword
  'POST /clients/import': ImportBatch
  'POST /clients': ClientDraft
  'PATCH /clients/{client_id}': ClientEdit
  'POST /clients/{client_id}/secrets/{secret_id}/retire': SecretRetirement
  'POST /users/import': UserImportBatch
  'POST /users/import/verify': HashVerification
  'POST /users/invite': Invitation
  'POST /users': UserDraft
  'PATCH /users/{id}': UserEdit
  'POST /users/{id}/password': NewPassword
  'POST /users/{id}/erase': UserErasure
}

/** The body of the successful response of each operation. */
export type Responses = {
  'GET /me': Me
  'POST /me/confirm': Confirmation
  'POST /me/password': Tokens
  'POST /clients/import': ClientImportReport
  'GET /clients': Clients
  'POST /clients': ClientWithSecret
  'GET /clients/{client_id}': Client
  'PATCH /clients/{client_id}': Client
  'DELETE /clients/{client_id}': null
  'POST /clients/{client_id}/enable': Client
  'POST /clients/{client_id}/disable': Client
  'POST /clients/{client_id}/sign-out': Client
  'POST /clients/{client_id}/secrets': ClientWithSecret
  'POST /clients/{client_id}/secrets/{secret_id}/retire': Client
  'POST /users/import': UserImportReport
  'POST /users/import/verify': HashVerdict
  'POST /users/invite': User
  'POST /users/{id}/password-reset': User
  'GET /users': Users
  'POST /users': User
  'GET /users/{id}': User
  'PATCH /users/{id}': User
  'DELETE /users/{id}': null
  'POST /users/{id}/enable': User
  'POST /users/{id}/disable': User
  'POST /users/{id}/sign-out': User
  'POST /users/{id}/require-password-change': User
  'POST /users/{id}/password': User
  'GET /users/{id}/support': UserSupport
  'POST /users/{id}/unlock': UserSupport
  'GET /users/{id}/consents': Consents
  'DELETE /users/{id}/consents/{consent_id}': null
  'GET /users/{id}/factors': Factors
  'DELETE /users/{id}/factors': null
  'DELETE /users/{id}/factors/{factor_id}': null
  'GET /users/{id}/export': UserExport
  'POST /users/{id}/erase': null
  'GET /search': SearchResults
  'GET /sessions': Sessions
  'GET /sessions/{sid}': Session
  'DELETE /sessions/{sid}': null
  'GET /sessions/{sid}/timeline': SessionTimeline
  'GET /keys': SigningKeys
  'POST /keys/rotate': SigningKey
  'POST /keys/reseal': Resealing
  'DELETE /keys/{kid}': SigningKey
  'GET /audit': AuditEvents
  'GET /audit/export': AuditExport
  'GET /statistics': Statistics
}

/** The operations that need the role admin. */
export const ADMIN_OPERATIONS: readonly (keyof Responses)[] = [
  'POST /me/confirm',
  'POST /clients/import',
  'POST /clients',
  'PATCH /clients/{client_id}',
  'DELETE /clients/{client_id}',
  'POST /clients/{client_id}/enable',
  'POST /clients/{client_id}/disable',
  'POST /clients/{client_id}/secrets',
  'POST /clients/{client_id}/secrets/{secret_id}/retire',
  'POST /users/import',
  'POST /users/import/verify',
  'POST /users/invite',
  'POST /users',
  'PATCH /users/{id}',
  'DELETE /users/{id}',
  'POST /users/{id}/enable',
  'POST /users/{id}/password',
  'GET /users/{id}/export',
  'POST /users/{id}/erase',
  'POST /keys/rotate',
  'POST /keys/reseal',
  'DELETE /keys/{kid}',
]

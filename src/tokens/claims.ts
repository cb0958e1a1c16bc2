import type { JWTPayload } from 'jose'
import * as formats from './claim_formats.ts'

/** The places where a claim can appear. `verifier` is the result of the verifier package. */
export type ClaimTarget =
  | 'access_token'
  | 'refresh_token'
  | 'id_token'
  | 'introspection'
  | 'userinfo'
  | 'verifier'

/**
 * The source of a claim's value: the token itself, the number of the rotation, the granted scope, the current record of the
 * user, the session, or the response with the token. A refresh keeps the facts of the session. `profile` and `email` are the
 * record of the user, for tokens with the scope of that name (OpenID Connect Core §5.4).
 */
export type ClaimSource =
  | 'token'
  | 'rotation'
  | 'grant'
  | 'user'
  | 'session'
  | 'response'
  | 'profile'
  | 'email'

interface ClaimDefinition {
  /** The name in JSON. */
  name: string
  source: ClaimSource
  format: formats.ClaimFormat<unknown>
  targets: readonly ClaimTarget[]
}

const { text, time, count, names, scopeTokens, flag, truth, keyConfirmation, optional } = formats

const OF_ACCESS = ['access_token', 'introspection', 'verifier'] as const
const OF_BOTH = ['access_token', 'refresh_token', 'introspection', 'verifier'] as const
const OF_ALL = [...OF_BOTH, 'id_token'] as const
const OF_IDENTITY = ['id_token', 'userinfo'] as const

/** Every claim, in the order in which tokens have them. Times are Unix seconds. */
export const CLAIMS = {
  issuer: { name: 'iss', source: 'token', format: text, targets: OF_ALL },
  audience: { name: 'aud', source: 'token', format: text, targets: OF_ALL },
  /** The id of a user, `visitor:<id>` of a guest, or the id of a client for its own token. */
  subject: { name: 'sub', source: 'token', format: text, targets: [...OF_ALL, 'userinfo'] },
  clientId: { name: 'client_id', source: 'token', format: text, targets: OF_BOTH },
  issuedAt: { name: 'iat', source: 'token', format: time, targets: OF_ALL },
  expiresAt: { name: 'exp', source: 'token', format: time, targets: OF_ALL },
  jti: { name: 'jti', source: 'token', format: text, targets: OF_BOTH },
  /** Null for a client's own token. */
  sid: { name: 'sid', source: 'session', format: optional(text), targets: OF_ALL },
  /** A refresh token has the whole scope of the session. */
  scope: { name: 'scope', source: 'grant', format: scopeTokens, targets: OF_BOTH },
  roles: { name: 'roles', source: 'user', format: names, targets: OF_ACCESS },
  /** The subject of the guest's session that the customer's sign-in ended. */
  visitorId: { name: 'visitor_id', source: 'session', format: optional(text), targets: OF_BOTH },
  /** When the user last authenticated (OpenID Connect Core §2). */
  authTime: { name: 'auth_time', source: 'session', format: optional(time), targets: OF_ALL },
  /** The methods of that authentication (RFC 8176). */
  amr: { name: 'amr', source: 'session', format: names, targets: OF_ALL },
  /** The level of that authentication (RFC 9470). */
  acr: { name: 'acr', source: 'session', format: optional(text), targets: OF_ALL },
  /** The RFC 7638 thumbprint of the key to which the session is bound (RFC 9449 §6.1). */
  keyThumbprint: { name: 'cnf', source: 'session', format: optional(keyConfirmation), targets: OF_BOTH },
  /** The `nonce` of the authorization request. */
  nonce: { name: 'nonce', source: 'session', format: optional(text), targets: ['id_token'] },
  /** The left half of the SHA-256 of the access token (OpenID Connect Core §3.1.3.6). */
  accessTokenHash: { name: 'at_hash', source: 'response', format: optional(text), targets: ['id_token'] },
  name: { name: 'name', source: 'profile', format: optional(text), targets: OF_IDENTITY },
  givenName: { name: 'given_name', source: 'profile', format: optional(text), targets: OF_IDENTITY },
  familyName: { name: 'family_name', source: 'profile', format: optional(text), targets: OF_IDENTITY },
  locale: { name: 'locale', source: 'profile', format: optional(text), targets: OF_IDENTITY },
  updatedAt: { name: 'updated_at', source: 'profile', format: optional(time), targets: OF_IDENTITY },
  email: { name: 'email', source: 'email', format: optional(text), targets: OF_IDENTITY },
  emailVerified: { name: 'email_verified', source: 'email', format: optional(truth), targets: OF_IDENTITY },
  /** Whether the user must set a new password. */
  mustChangePassword: { name: 'must_change_password', source: 'user', format: flag, targets: OF_ACCESS },
  /** Whether the password of the user is in a list of known breaches. */
  passwordBreached: { name: 'password_breached', source: 'user', format: flag, targets: OF_ACCESS },
  /** The name of the API of the session. A refresh token from before this claim is of the client's own API. */
  api: {
    name: 'api',
    source: 'session',
    format: optional(text),
    targets: ['refresh_token', 'introspection'],
  },
  /** The method by which the client authenticated at the start of the session; null unless it signed an assertion. */
  clientMethod: {
    name: 'client_auth',
    source: 'session',
    format: optional(text),
    targets: ['refresh_token'],
  },
  /** Whether the session of a public client began without a key and was bound to one later. */
  isBoundLater: { name: 'bound_later', source: 'session', format: flag, targets: ['refresh_token'] },
  /** How many times the session was refreshed. */
  seq: {
    name: 'seq',
    source: 'rotation',
    format: optional(count),
    targets: ['refresh_token', 'introspection'],
  },
} as const satisfies Record<string, ClaimDefinition>

type ClaimMember = keyof typeof CLAIMS

type MemberOf<Source extends ClaimSource> = {
  [M in ClaimMember]: (typeof CLAIMS)[M]['source'] extends Source ? M : never
}[ClaimMember]

type ValuesOf<M extends ClaimMember> = { [K in M]: ReturnType<(typeof CLAIMS)[K]['format']['parse']> }

/** The claims about the identity of a user. */
export type IdentityClaims = Partial<ValuesOf<MemberOf<'profile' | 'email'>>>

type MemberOfIdToken = MemberOf<'response' | 'profile' | 'email'>

/** The claims of a verified token. A claim that the token lacks is null, false or an empty list. */
export type TokenClaims = ValuesOf<Exclude<ClaimMember, MemberOfIdToken>>

/** The claims of a token that belongs to a session. */
export type SessionClaims = TokenClaims & { sid: string }

/** The session facts: the source of the session claims in tokens and introspection. */
export type SessionFacts = { sid: string } & Partial<Omit<Pick<TokenClaims, MemberOf<'session'>>, 'sid'>>

/** The values of claims. A claim without a member is omitted. */
export type ClaimValues = Pick<TokenClaims, MemberOf<'token'>> & Partial<TokenClaims>

/** The values of an ID token. A claim without a member is omitted. */
export type IdTokenValues = Omit<ClaimValues, 'jti' | 'clientId'> & Partial<ValuesOf<MemberOfIdToken>>

const DEFINITIONS = Object.entries<ClaimDefinition>(CLAIMS)

const SOURCES_OF_ID_TOKEN: ReadonlySet<ClaimSource> = new Set(['response', 'profile', 'email'])
const OF_TOKENS = DEFINITIONS.filter(([, { source }]) => !SOURCES_OF_ID_TOKEN.has(source))

/** The names of the claims of one target, in the order of the table. */
export function namesOfClaims(target: ClaimTarget): string[] {
  return DEFINITIONS.filter(([, { targets }]) => targets.includes(target)).map(([, { name }]) => name)
}

/** The claims about a user that the scope of a token grants (OpenID Connect Core §5.4). */
export function selectIdentity(claims: IdentityClaims, scope: readonly string[]): IdentityClaims {
  const entries = Object.entries(claims) as [keyof IdentityClaims, unknown][]
  return Object.fromEntries(entries.filter(([member]) => scope.includes(CLAIMS[member].source)))
}

/** The JSON claims of one target, in the order of the table. */
export function formatClaims(values: Partial<ValuesOf<ClaimMember>>, target: ClaimTarget): JWTPayload {
  const payload: JWTPayload = {}
  for (const [member, { name, format, targets }] of DEFINITIONS) {
    const value = values[member as ClaimMember]
    const json = value === undefined || !targets.includes(target) ? undefined : format.format(value)
    if (json !== undefined) payload[name] = json
  }
  return payload
}

/** The claims of a payload whose signature is verified. @throws InvalidToken */
export function parseClaims(payload: JWTPayload): TokenClaims {
  const claims: Record<string, unknown> = {}
  for (const [member, { name, format }] of OF_TOKENS) claims[member] = format.parse(payload[name])
  return claims as TokenClaims
}

/** The session facts in the claims of a token. */
export function sessionFactsOf(claims: SessionClaims): SessionFacts {
  const facts = DEFINITIONS.filter(([, { source }]) => source === 'session')
  return Object.fromEntries(
    facts.map(([member]) => [member, claims[member as keyof TokenClaims]]),
  ) as SessionFacts
}

import * as z from 'zod/mini'

/** How the response returns to the client (OAuth 2.0 Multiple Response Types §2.1, Form Post Response Mode §2). */
export const RESPONSE_MODES = ['query', 'form_post'] as const
export type ResponseMode = (typeof RESPONSE_MODES)[number]

/** The value of `prompt` for a sign-up (Initiating User Registration via OpenID Connect 1.0 §4). */
export const CREATE = 'create'

/** The values of `prompt` (OpenID Connect Core §3.1.2.1). */
export const PROMPTS = ['none', 'login', 'consent', 'select_account', CREATE] as const
export type Prompt = (typeof PROMPTS)[number]

/** Where and how the authorization response is sent. The client and the redirect URI are proven. */
const returnAddressSchema = z.object({
  clientId: z.string(),
  /** The URI to which the browser returns, with the port of the request. */
  redirectUri: z.string(),
  responseMode: z.enum(RESPONSE_MODES),
  state: z.nullable(z.string()),
})

export type ReturnAddress = z.output<typeof returnAddressSchema>

/** The guest whom the sign-in merges: the subject and the session. */
const visitorSchema = z.object({ subject: z.string(), sid: z.string() })

/** A checked authorization request. Forms and `request_uri` contain it sealed. Times are Unix seconds. */
export const authorizationRequestSchema = z.extend(returnAddressSchema, {
  api: z.string(),
  /** Whether the request has `redirect_uri`. The token request must then repeat it (RFC 6749 §4.1.3). */
  hasRedirectUri: z.boolean(),
  /** The scope that the client can have. */
  scope: z.array(z.string()),
  /** The `code_challenge` with the method S256; null without PKCE. */
  codeChallenge: z.nullable(z.string()),
  /** The thumbprint of the key to which the code is bound (RFC 9449 §10); null without one. */
  proofKey: z._default(z.nullable(z.string()), null),
  nonce: z.nullable(z.string()),
  prompt: z.array(z.enum(PROMPTS)),
  maxAgeSeconds: z.nullable(z.int()),
  /** The level of authentication that the request demands. A request that the version before sealed has none. */
  acrLevel: z._default(z.union([z.literal(1), z.literal(2)]), 1),
  loginHint: z.nullable(z.string()),
  uiLocales: z.array(z.string()),
  /** The user that `id_token_hint` names; null without a hint. */
  hintedSubject: z.nullable(z.string()),
  visitor: z.nullable(visitorSchema),
  /** When the server first received the request. `prompt=login` needs a later sign-in. */
  receivedAt: z.int(),
})

export type AuthorizationRequest = z.output<typeof authorizationRequestSchema>

import * as z from 'zod/mini'
import { startedSignUpSchema } from '../accounts/started_sign_up.ts'
import {
  type AuthorizationRequest,
  authorizationRequestSchema,
} from '../authorization/authorization_request.ts'
import { randomId } from '../lib/bytes.ts'
import type { Sealer } from '../lib/sealer.ts'
import type { OneTimeStore } from '../onetime/one_time_store.ts'
import { generateToken, type OneTimeReference } from '../onetime/one_time_value.ts'
import { requestedCodeSchema } from '../signin/mailed_codes.ts'
import { pendingSchema } from '../signin/pending_sign_in.ts'
import { INPUTS } from './input.ts'

/** The lifetime of an `auth_session`. */
export const AUTH_SESSION_SECONDS = 600

/** The state of a sign-in in steps (First-Party Applications draft §5.3.1). The client keeps it sealed. Times are Unix seconds. */
const authSessionSchema = z.object({
  /** Names the sign-in over all its steps. A code by mail works only for this sign-in. */
  id: z.string(),
  /** 256 random bits. The row of their hash shows that the state was used. They are also the challenge of a passkey. */
  token: z.string(),
  request: authorizationRequestSchema,
  /** The name that the user typed; null before. */
  username: z.nullable(z.string()),
  /** The sign-in that needs a second factor; null before the first one is proven. */
  pending: z.nullable(pendingSchema),
  /** The code that the user has requested by mail; null without one. */
  requestedCode: z.nullable(requestedCodeSchema),
  /** The token of the code that the user gets by mail as the second factor; null without one. */
  secondFactorCode: z._default(z.nullable(z.string()), null),
  /** The sign-up of a visitor; null without one. */
  signUp: z._default(z.nullable(startedSignUpSchema), null),
  /** The inputs that the sign-in accepts now. */
  next: z.array(z.enum(INPUTS)),
  expiresAt: z.int(),
})

export type AuthSession = z.output<typeof authSessionSchema>

/** The part of a state that a step decides. */
export type AuthSessionState = Pick<
  AuthSession,
  'username' | 'pending' | 'requestedCode' | 'secondFactorCode' | 'signUp' | 'next'
>

/** A state in which the user has requested nothing. */
export const NOTHING_REQUESTED = { requestedCode: null, secondFactorCode: null, signUp: null } as const

/** The state of a sign-in that begins now. */
export function beginAuthSession(
  request: AuthorizationRequest,
  state: AuthSessionState,
  now: number,
): AuthSession {
  return { id: randomId(16), request, ...successor(state, now) }
}

/** The state after a step. It has a token of its own. */
export function continueAuthSession(
  { id, request }: Pick<AuthSession, 'id' | 'request'>,
  state: AuthSessionState,
  now: number,
): AuthSession {
  return { id, request, ...successor(state, now) }
}

function successor(state: AuthSessionState, now: number) {
  return { token: generateToken(), ...state, expiresAt: now + AUTH_SESSION_SECONDS }
}

/** Seals, opens and uses the states of sign-ins in steps. A state has no row before its use. */
export class AuthSessions {
  readonly #sealer: Sealer
  readonly #oneTime: OneTimeStore

  constructor(sealer: Sealer, oneTime: OneTimeStore) {
    this.#sealer = sealer
    this.#oneTime = oneTime
  }

  seal(session: AuthSession): Promise<string> {
    return this.#sealer.sealValue(session)
  }

  /** Opens the `auth_session` of a client; null for another text, that of another client, and an expired one. It can be used. */
  async open(sealed: string, clientId: string, now: number): Promise<AuthSession | null> {
    const session = await this.#sealer.openValue(sealed, authSessionSchema)
    if (session === null || session.request.clientId !== clientId) return null
    return session.expiresAt > now ? session : null
  }

  /** Uses a state. @returns false if it was used before, at any location @throws StorageUnavailable */
  spend(session: AuthSession, now: number): Promise<boolean> {
    return this.#oneTime.spend(referenceOf(session), session.expiresAt, now)
  }

  /** The statement that uses a state if the statement before it changed a row, for a transaction. */
  spendingIfChanged(session: AuthSession, now: number) {
    return this.#oneTime.spendingIfChanged(referenceOf(session), session.expiresAt, now)
  }
}

function referenceOf({ token }: AuthSession): OneTimeReference {
  return { kind: 'auth_session', token }
}

import type { ApiConfig } from '../config/config.ts'
import type { RequestOptionsJson } from '../passkeys/ceremony_options.ts'
import type { AuthSession } from './auth_session.ts'
import type { ChallengeServices } from './challenge_services.ts'
import type { Input } from './input.ts'

/** The sign-in needs a further input. */
export interface MoreNeeded {
  kind: 'more'
  /** The sealed state for the next request. */
  authSession: string
  next: readonly Input[]
  /** The options of `navigator.credentials.get`; null if the sign-in accepts no passkey now. */
  passkeyOptions: RequestOptionsJson | null
}

/** The result of a step that is no refusal. */
export type StepResult =
  | { kind: 'code'; code: string }
  | MoreNeeded
  /** The user must continue in a browser. `requestUri` is null for a request without PKCE or without a redirect URI. */
  | { kind: 'web'; requestUri: string | null }

/** Asks for the next inputs of a state. @throws StorageUnavailable, CorruptRecord, only for a passkey of a known user */
export async function askFor(
  session: AuthSession,
  { userPool: pool }: ApiConfig,
  { authSessions, passkeys }: Pick<ChallengeServices, 'authSessions' | 'passkeys'>,
): Promise<MoreNeeded> {
  const { next, pending, token } = session
  const subject = pending?.subject ?? null
  const [authSession, passkeyOptions] = await Promise.all([
    authSessions.seal(session),
    next.includes('passkey') ? passkeys.requestOptions({ pool, subject }, token) : null,
  ])
  return { kind: 'more', authSession, next, passkeyOptions }
}

import { CALLBACK, CHALLENGE } from './authorize.ts'
import { credentials, type TestClient, type TestServer } from './server.ts'

export const CHALLENGE_PATH = '/oauth2-token/challenge'

/** The fields of a client that can sign users in by steps. */
export const STEP_CLIENT = {
  grants: ['password', 'authorization_code', 'refresh_token'],
  redirectUris: [CALLBACK],
  isFirstParty: true,
} satisfies Parameters<TestServer['addClient']>[0]

/** A request of a sign-in in steps. */
export function challengeOf(client: TestClient, changes: Record<string, unknown> = {}) {
  return {
    response_type: 'code',
    ...credentials(client),
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...changes,
  }
}

/** The members of a response. */
export interface ChallengeResponse {
  status: number
  error?: string
  error_description?: string
  auth_session?: string
  next?: string[]
  passkey_options?: { challenge: string; allowCredentials: { id: string }[] }
  authorization_code?: string
  request_uri?: string
  expires_in?: number
}

/** Sends one step. */
export async function step(
  server: TestServer,
  client: TestClient,
  changes: Record<string, unknown> = {},
): Promise<ChallengeResponse> {
  const response = await server.postJson(challengeOf(client, changes), {}, CHALLENGE_PATH)
  return { status: response.status, ...(await response.json<object>()) }
}

/** Begins a sign-in without an input. */
export function begin(server: TestServer, client: TestClient): Promise<ChallengeResponse> {
  return step(server, client)
}

/** Begins a sign-up and proves the address. @returns the step that asks for the password */
export async function beginAccount(
  server: TestServer,
  client: TestClient,
  address: string,
): Promise<ChallengeResponse> {
  const { auth_session: begun } = await step(server, client, { prompt: 'create', username: address })
  const mails = await server.takeMails()
  const mail = mails.findLast(({ to }) => to === address)
  const email_code = /\b\d{6}\b/.exec(mail?.text ?? '')?.[0]
  return step(server, client, { auth_session: begun, email_code })
}

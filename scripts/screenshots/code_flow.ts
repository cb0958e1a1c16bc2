import * as z from 'zod/mini'
import { LOCAL_CALLBACK } from '../demo_data.ts'
import { signInByForms } from '../sign_in_by_forms.ts'

/** The verifier and the challenge of RFC 7636, appendix B. */
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

/** The authorization request of a demo client, changed as asked. */
export function authorizePath(changes: Record<string, string> = {}): string {
  const parameters = {
    response_type: 'code',
    client_id: 'storefront-public',
    redirect_uri: LOCAL_CALLBACK,
    state: 'st',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    ...changes,
  }
  return `/oauth2-token/authorize?${new URLSearchParams(parameters)}`
}

/** Signs a user in by the pages and allows the client, so that the user has a consent. */
export async function giveConsent(
  origin: string,
  clientId: string,
  credentials: { username: string; password: string },
): Promise<void> {
  const { searchParams } = await signInByForms(origin + authorizePath({ client_id: clientId }), credentials)
  await exchangeCode(origin, { clientId, code: searchParams.get('code') ?? '', redirectUri: LOCAL_CALLBACK })
}

const tokensSchema = z.object({ access_token: z.string() })

/** Exchanges the code of a request of `authorizePath`. */
export async function exchangeCode(
  origin: string,
  { clientId, code, redirectUri }: { clientId: string; code: string; redirectUri: string },
): Promise<z.output<typeof tokensSchema>> {
  const parameters = {
    grant_type: 'authorization_code',
    client_id: clientId,
    code,
    redirect_uri: redirectUri,
    code_verifier: VERIFIER,
  }
  const response = await fetch(`${origin}/oauth2-token`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
  })
  if (!response.ok) throw new Error(`${clientId} got ${response.status}: ${await response.text()}`)
  return tokensSchema.parse(await response.json())
}

import { env } from 'cloudflare:workers'
import { createVerifier, type Verifier } from '../packages/verify/src/index.ts'

// wrangler.toml names this class. The Worker creates no object.
export { SessionObject } from '../src/sessions/session_object.ts'

// An API that only verifies the token of each request, and responds as the constant Worker does.

const { ISSUER, AUDIENCE } = env as unknown as Record<string, string>

let verifier: Verifier | null = null

export default {
  async fetch(request) {
    verifier ??= createVerifier({ issuer: String(ISSUER), audience: String(AUDIENCE), dpop: 'allowed' })
    await verifier.verify(request)
    return Response.json({ status: 'ok' })
  },
} satisfies ExportedHandler

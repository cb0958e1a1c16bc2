import { createHash, randomBytes } from 'node:crypto'
import { CliError } from '../core/exit_code.ts'
import { LoopbackListener } from './loopback_listener.ts'

/** A user signs in within this time, password change included. */
export const SIGN_IN_LIMIT_MS = 5 * 60_000

/** A code with the values that its exchange needs. */
export interface CodeGrant {
  code: string
  redirect_uri: string
  code_verifier: string
}

/** The steps of the caller. */
interface Steps {
  /** Sends the request to the server, which checks it before the browser opens. @throws CliError */
  check(request: Record<string, string>): Promise<void>
  /** Shows the URL to the user. */
  show(url: string): void
  /** Exchanges the code. @throws CliError */
  exchange(grant: CodeGrant): Promise<void>
}

/**
 * Signs a user in with the browser: authorization code with PKCE, and a listener on this machine (RFC 8252 §7.3).
 *
 * @throws CliError if the user cancels, or does not sign in within SIGN_IN_LIMIT_MS
 */
export async function signInByBrowser(server: string, clientId: string, steps: Steps): Promise<void> {
  const [state, verifier] = [randomText(), randomText()]
  const listener = await LoopbackListener.open()
  try {
    const { redirectUri } = listener
    const request = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }
    await steps.check(request)
    const received = listener.receive(state, async (parameters) => {
      const code = requireCode(parameters, server)
      await steps.exchange({ code, redirect_uri: redirectUri, code_verifier: verifier })
    })
    steps.show(`${server}/oauth2-token/authorize?${new URLSearchParams(request)}`)
    await withinLimit(received)
  } finally {
    listener.close()
  }
}

/** @throws CliError if the response is an error, or of another server (RFC 9207 §2.4) */
function requireCode(parameters: URLSearchParams, server: string): string {
  if (parameters.get('iss') !== server) {
    throw new CliError('failed', `${server} is not the issuer of the service: use --server with the issuer.`)
  }
  const code = parameters.get('code')
  if (code !== null) return code
  const isCancelled = parameters.get('error') === 'access_denied'
  throw new CliError('failed', isCancelled ? 'The sign-in was cancelled.' : `${server} refused the sign-in.`)
}

async function withinLimit(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    const error = new CliError('failed', 'No sign-in within 5 minutes. Run the command again.')
    timer = setTimeout(() => reject(error), SIGN_IN_LIMIT_MS)
  })
  try {
    await Promise.race([work, limit])
  } finally {
    clearTimeout(timer)
  }
}

function randomText(): string {
  return randomBytes(32).toString('base64url')
}

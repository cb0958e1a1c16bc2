import { onTestFinished, vi } from 'vitest'

export const VERIFY_URL = 'https://challenge.test/siteverify'
export const CHALLENGE_SECRET = crypto.randomUUID()

/** A service that checks the responses of a challenge as Turnstile does: each response that it gave out is good once. */
export class ChallengeServer {
  readonly #responses = new Set<string>()
  /** The form of each request, in order. */
  readonly asked: Record<string, string>[] = []
  /** What it does in place of a check; null where it works. */
  fault: ((request: Request) => Response | Promise<Response>) | null = null

  /** What Workers of this test ask of the world goes to the new server. */
  static start(): ChallengeServer {
    const server = new ChallengeServer()
    vi.stubGlobal('fetch', (url: string, init?: RequestInit) => server.#answer(new Request(url, init)))
    onTestFinished(() => void vi.unstubAllGlobals())
    return server
  }

  /** Solves a challenge, as a browser does. */
  solve(): string {
    const response = `0.${crypto.randomUUID()}`
    this.#responses.add(response)
    return response
  }

  async #answer(request: Request): Promise<Response> {
    if (request.url !== VERIFY_URL || request.method !== 'POST') return new Response(null, { status: 404 })
    const form = Object.fromEntries(
      new URLSearchParams(new TextDecoder().decode(await request.clone().arrayBuffer())),
    )
    this.asked.push(form)
    if (this.fault !== null) return this.fault(request)
    const { secret, response = '' } = form
    if (secret !== CHALLENGE_SECRET) return refusal('invalid-input-secret')
    const isGood = this.#responses.delete(response)
    return isGood ? Response.json({ success: true, 'error-codes': [] }) : refusal('timeout-or-duplicate')
  }
}

function refusal(code: string): Response {
  return Response.json({ success: false, 'error-codes': [code] })
}

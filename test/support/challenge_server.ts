import { onTestFinished, vi } from 'vitest'

export const VERIFY_URL = 'https://challenge.test/siteverify'
export const CHALLENGE_SECRET = crypto.randomUUID()

/** A service that checks challenge responses in the way of Turnstile: each response is valid once. */
export class ChallengeServer {
  readonly #responses = new Set<string>()
  /** The form of each request, in order. */
  readonly asked: Record<string, string>[] = []
  /** The fault of the service, which replaces the check; null for no fault. */
  fault: ((request: Request) => Response | Promise<Response>) | null = null

  /** Sends the outgoing requests of this test's Workers to the new server. */
  static start(): ChallengeServer {
    const server = new ChallengeServer()
    vi.stubGlobal('fetch', (url: string, init?: RequestInit) => server.#answer(new Request(url, init)))
    onTestFinished(() => void vi.unstubAllGlobals())
    return server
  }

  /** Solves a challenge like a browser. */
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

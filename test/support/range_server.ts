import { rangeOf } from '../../src/users/breaches/password_range.ts'

/** The minimum number of lines in a padded response. Pwned Passwords pads to about 800. */
const PADDED_LINES = 30

/** A list of breached passwords with the range API of Pwned Passwords. */
export class RangeServer {
  readonly #passwords: Set<string>
  /** The requested prefixes, in order. */
  readonly asked: string[] = []
  /** The fault of the service, which replaces the response; null for no fault. */
  fault: ((request: Request) => Response | Promise<Response>) | null = null

  constructor(passwords: readonly string[] = []) {
    this.#passwords = new Set(passwords)
  }

  add(password: string): void {
    this.#passwords.add(password)
  }

  async answer(request: Request): Promise<Response> {
    const [, prefix] = /\/range\/([0-9A-F]{5})$/.exec(request.url) ?? []
    if (request.method !== 'GET' || prefix === undefined) return new Response('no range', { status: 400 })
    this.asked.push(prefix)
    if (this.fault !== null) return this.fault(request)
    const lines = await this.#linesOf(prefix)
    if (request.headers.get('Add-Padding') === 'true') {
      while (lines.length < PADDED_LINES) lines.push(`${randomSuffix()}:0`)
    }
    return new Response(lines.join('\r\n'), { headers: { 'Content-Type': 'text/plain' } })
  }

  async #linesOf(prefix: string): Promise<string[]> {
    const ranges = await Promise.all(
      [...this.#passwords].map((password) => rangeOf(new TextEncoder().encode(password))),
    )
    return ranges.filter((range) => range.prefix === prefix).map(({ suffix }) => `${suffix}:7`)
  }
}

function randomSuffix(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(18))
  return [...bytes]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .slice(0, 35)
    .toUpperCase()
}

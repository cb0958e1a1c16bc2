import { env } from 'cloudflare:workers'
import fc from 'fast-check'

/** A property is checked, and a counterexample made simpler, for so long at most. */
const LIMIT_MS = 120_000 * Math.max(1, Number(env.FUZZ_RUNS))

/** Of each test: it ends by itself before that, with a counterexample. */
export const FUZZ_TIMEOUT_MS = LIMIT_MS + 60_000

/** How many inputs there are of what usually has so many. */
export function fuzzRuns(usual: number): number {
  return Math.ceil(usual * Number(env.FUZZ_RUNS))
}

/** Checks a property; a failure says by which seed the same inputs come again. */
export async function fuzz<T>(
  arbitrary: fc.Arbitrary<T>,
  numRuns: number,
  check: (input: T) => Promise<void>,
): Promise<void> {
  const seed = env.FUZZ_SEED === '' ? {} : { seed: Number(env.FUZZ_SEED) }
  const plugins = [fc.interruptAfterTimeLimit(LIMIT_MS, { failOnInterrupt: true })]
  await fc.assert(fc.asyncProperty(arbitrary, check), { numRuns, plugins, ...seed }).catch(rethrow)
}

/** Half a character in a message is more than the way to the reporter can carry: it would end without the seed. */
function rethrow(error: unknown): never {
  const { message, cause, stack = '' } = error as Error
  const why = cause instanceof Error ? `${cause.message}\n${cause.stack}` : ''
  const whole = new Error(`${message}\n\n${why}`.toWellFormed())
  whole.stack = `${whole.message}\n${stack.slice(stack.indexOf('\n    at '))}`.toWellFormed()
  throw whole
}

/** How many inputs went where. */
export class InputCounts {
  readonly #counts = new Map<string, number>()

  add(where: string): void {
    this.#counts.set(where, (this.#counts.get(where) ?? 0) + 1)
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  format(): string {
    const lines = [...this.#counts].map(([where, count]) => `${count} ${where}`)
    return `${this.total} inputs: ${lines.join(', ')}`
  }
}

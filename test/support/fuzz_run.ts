import { env } from 'cloudflare:workers'
import fc from 'fast-check'

/** The maximum time for a property and for simplifying a counterexample, in milliseconds. */
const LIMIT_MS = 120_000 * Math.max(1, Number(env.FUZZ_RUNS))

/** The timeout of each test in milliseconds. A failing property ends earlier, with a counterexample. */
export const FUZZ_TIMEOUT_MS = LIMIT_MS + 60_000

/** The number of inputs, from the usual number and the factor of this run. */
export function fuzzRuns(usual: number): number {
  return Math.ceil(usual * Number(env.FUZZ_RUNS))
}

/** Checks a property. A failure names the seed that repeats the inputs. */
export async function fuzz<T>(
  arbitrary: fc.Arbitrary<T>,
  numRuns: number,
  check: (input: T) => Promise<void>,
): Promise<void> {
  const seed = env.FUZZ_SEED === '' ? {} : { seed: Number(env.FUZZ_SEED) }
  const plugins = [fc.interruptAfterTimeLimit(LIMIT_MS, { failOnInterrupt: true })]
  await fc.assert(fc.asyncProperty(arbitrary, check), { numRuns, plugins, ...seed }).catch(rethrow)
}

/** Replaces unpaired surrogates. The channel to the reporter cannot carry them, and the seed would be lost. */
function rethrow(error: unknown): never {
  const { message, cause, stack = '' } = error as Error
  const why = cause instanceof Error ? `${cause.message}\n${cause.stack}` : ''
  const whole = new Error(`${message}\n\n${why}`.toWellFormed())
  whole.stack = `${whole.message}\n${stack.slice(stack.indexOf('\n    at '))}`.toWellFormed()
  throw whole
}

/** Counts inputs by their results. */
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

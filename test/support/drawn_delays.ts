import type { Delay } from '../../bench/places.ts'

/** Random numbers from a seed: the same seed gives the same numbers in each run. */
function randomOf(seed: string): () => number {
  let state = [...seed].reduce(
    (hash, char) => Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193),
    0x811c9dc5,
  )
  return () => {
    // Mulberry32.
    state = (state + 0x6d2b79f5) | 0
    const mixed = Math.imul(state ^ (state >>> 15), state | 1)
    const more = mixed ^ (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61))
    return ((more ^ (more >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * The quantile of a log-logistic distribution.
 *
 * @param delay Its p50 and p99
 * @param share Above 0 and below 1
 */
export function quantileOf({ p50, p99 }: Delay, share: number): number {
  return p50 === 0 ? 0 : p50 * (share / (1 - share)) ** (Math.log(p99 / p50) / Math.log(99))
}

/**
 * Drawn shares for a number of samples. Each draw of a sample takes another of `count` equal strata of 0 to 1 than the same draw
 * of the other samples (Latin hypercube sampling), so that few samples cover the whole distribution.
 */
export class DrawnShares {
  readonly #seed: string
  readonly #count: number
  /** For each draw the stratum of each sample. */
  readonly #strata: number[][] = []

  constructor(seed: string, count: number) {
    this.#seed = seed
    this.#count = count
  }

  /** @returns a function that gives the next share of a sample */
  ofSample(index: number): () => number {
    let draw = 0
    return () => ((this.#strataOf(draw++)[index] ?? 0) + 0.5) / this.#count
  }

  #strataOf(draw: number): number[] {
    this.#strata[draw] ??= shuffled(this.#count, randomOf(`${this.#seed} ${draw}`))
    return this.#strata[draw]
  }
}

/** The numbers from 0 to `count` - 1 in a random order. */
function shuffled(count: number, random: () => number): number[] {
  const numbers = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const [a, b] = [numbers[i] ?? 0, numbers[j] ?? 0]
    numbers[i] = b
    numbers[j] = a
  }
  return numbers
}

/** A measured time, and the share of all requests that it stands for. */
export interface Weighted {
  ms: number
  weight: number
}

/** The smallest time that at least `share` of the requests do not exceed. */
export function percentileOf(times: readonly Weighted[], share: number): number {
  const sorted = times.toSorted((a, b) => a.ms - b.ms)
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0)
  let sum = 0
  for (const { ms, weight } of sorted) {
    sum += weight
    if (sum >= share * total - 1e-9) return ms
  }
  return Number.NaN
}

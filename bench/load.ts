import type { Send } from './exchange.ts'
import { type Caller, type Operation, waitAsAsked } from './operations.ts'

const ROUNDS = 5
const WARM_UP_MS = 500

/** One side of a comparison. */
export interface Contestant {
  operation: Operation
  send: Send
  /** Total processor time of its server; NaN if unknown. */
  cpuMs(): number
  /** Callers of another operation, in parallel with the measured callers. */
  background?: { operation: Operation; callers: number }
}

/** The measurements of one side over all rounds. */
export interface Figures {
  requests: number
  /** The median of the rounds. */
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** Processor time of the server for a request, including the background. */
  cpuMs: number
  /** The fraction of requests with a 503. */
  refused: number
}

export interface Comparison {
  concurrency: number
  /** Requests per second divided by those of the baseline, for each round; the median. */
  ratio: number
  subject: Figures
  baseline: Figures
}

interface Round {
  perSecond: number
  latenciesMs: number[]
  cpuMs: number
  refused: number
}

interface Side extends Contestant {
  callers: readonly Caller[]
  backgroundCallers: readonly Caller[]
}

/** Runs the two sides in turns, so that other load of the machine affects both. */
export async function compare(
  { subject, baseline }: { subject: Contestant; baseline: Contestant },
  { concurrency, roundMs }: { concurrency: number; roundMs: number },
): Promise<Comparison> {
  const a = await openSide(baseline, concurrency)
  const b = await openSide(subject, concurrency)
  for (const side of [a, b]) await runRound(side, WARM_UP_MS)
  const rounds: { baseline: Round; subject: Round }[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const pair = { baseline: await runRound(a, roundMs), subject: await runRound(b, roundMs) }
    // The callers of this side have no request left.
    if (pair.subject.latenciesMs.length > 0) rounds.push(pair)
  }
  return {
    concurrency,
    ratio: median(rounds.map((round) => round.subject.perSecond / round.baseline.perSecond)),
    subject: summarize(rounds.map((round) => round.subject)),
    baseline: summarize(rounds.map((round) => round.baseline)),
  }
}

async function openSide(contestant: Contestant, concurrency: number): Promise<Side> {
  const { operation, send, background } = contestant
  const open = (count: number, what: Operation) =>
    Promise.all(Array.from({ length: count }, () => what.open(send, count)))
  const backgroundCallers = background ? await open(background.callers, background.operation) : []
  return { ...contestant, backgroundCallers, callers: await open(concurrency, operation) }
}

/** Runs all callers in parallel until the time is over. Each sends one request after the other. */
async function runRound(side: Side, durationMs: number): Promise<Round> {
  const { send, callers, backgroundCallers, operation, background } = side
  const end = performance.now() + durationMs
  const start = { at: performance.now(), cpuMs: side.cpuMs() }
  const measured = callers.map((caller) => callUntil(end, { caller, send, operation }))
  const inBackground = backgroundCallers.map((caller) =>
    callUntil(end, { caller, send, operation: background?.operation ?? operation }),
  )
  const calls = await Promise.all(measured)
  const seconds = (performance.now() - start.at) / 1000
  await Promise.all(inBackground)
  const latenciesMs = calls.flatMap((call) => call.latenciesMs)
  return {
    perSecond: latenciesMs.length / seconds,
    latenciesMs,
    cpuMs: side.cpuMs() - start.cpuMs,
    refused: calls.reduce((sum, call) => sum + call.refused, 0),
  }
}

async function callUntil(
  end: number,
  { caller, send, operation }: { caller: Caller; send: Send; operation: Operation },
): Promise<{ latenciesMs: number[]; refused: number }> {
  const latenciesMs: number[] = []
  let refused = 0
  while (performance.now() < end) {
    const request = caller.next()
    if (request === null) break
    const sentAt = performance.now()
    const response = await send(request)
    if (response.status === (operation.status ?? 200)) {
      latenciesMs.push(performance.now() - sentAt)
      caller.accept(response.body, response.headers)
    } else if (operation.mayBeRefused) {
      refused++
      await Promise.race([waitAsAsked(response), waitUntil(end)])
    } else {
      throw new Error(`${operation.name} returned ${response.status}: ${response.body}`)
    }
  }
  return { latenciesMs, refused }
}

function waitUntil(end: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, end - performance.now())))
}

function summarize(rounds: readonly Round[]): Figures {
  const latenciesMs = rounds.flatMap((round) => round.latenciesMs)
  const refused = sum(rounds.map((round) => round.refused))
  return {
    requests: latenciesMs.length,
    perSecond: median(rounds.map((round) => round.perSecond)),
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    cpuMs: sum(rounds.map((round) => round.cpuMs)) / latenciesMs.length,
    refused: refused / (refused + latenciesMs.length),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** Computes a percentile by the nearest rank. */
function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((x, y) => x - y)
  return sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN
}

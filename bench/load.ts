import type { Send } from './exchange.ts'
import { type Caller, type Operation, waitAsAsked } from './operations.ts'

const ROUNDS = 5
const WARM_UP_MS = 500

/** One of two that are compared. */
export interface Contestant {
  operation: Operation
  send: Send
  /** Processor time of its server so far; NaN where it cannot be known. */
  cpuMs(): number
  /** Beside the measured callers, so many of another operation. */
  background?: { operation: Operation; callers: number }
}

/** What was measured of one contestant, over all rounds. */
export interface Figures {
  requests: number
  /** Of the rounds, the one in the middle. */
  perSecond: number
  p50Ms: number
  p99Ms: number
  /** Of the server, for a request; that of the background is in it. */
  cpuMs: number
  /** Which part of the requests was answered with 503. */
  refused: number
}

export interface Comparison {
  concurrency: number
  /** Requests a second to those of the yardstick, round by round; of these, the one in the middle. */
  ratio: number
  subject: Figures
  yardstick: Figures
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

/** The two in turns, so that what else the machine does meets both. */
export async function compare(
  { subject, yardstick }: { subject: Contestant; yardstick: Contestant },
  { concurrency, roundMs }: { concurrency: number; roundMs: number },
): Promise<Comparison> {
  const a = await openSide(yardstick, concurrency)
  const b = await openSide(subject, concurrency)
  for (const side of [a, b]) await runRound(side, WARM_UP_MS)
  const rounds: { yardstick: Round; subject: Round }[] = []
  for (let i = 0; i < ROUNDS; i++) {
    const pair = { yardstick: await runRound(a, roundMs), subject: await runRound(b, roundMs) }
    // One whose callers have nothing left to send.
    if (pair.subject.latenciesMs.length > 0) rounds.push(pair)
  }
  return {
    concurrency,
    ratio: median(rounds.map((round) => round.subject.perSecond / round.yardstick.perSecond)),
    subject: summarize(rounds.map((round) => round.subject)),
    yardstick: summarize(rounds.map((round) => round.yardstick)),
  }
}

async function openSide(contestant: Contestant, concurrency: number): Promise<Side> {
  const { operation, send, background } = contestant
  const open = (count: number, what: Operation) =>
    Promise.all(Array.from({ length: count }, () => what.open(send, count)))
  const backgroundCallers = background ? await open(background.callers, background.operation) : []
  return { ...contestant, backgroundCallers, callers: await open(concurrency, operation) }
}

/** All callers at once, each one request after the other, until the time is up. */
async function runRound(side: Side, durationMs: number): Promise<Round> {
  const { send, callers, backgroundCallers, operation, background } = side
  const end = performance.now() + durationMs
  const start = { at: performance.now(), cpuMs: side.cpuMs() }
  const measured = callers.map((caller) => callUntil(end, { caller, send, operation }))
  const beside = backgroundCallers.map((caller) =>
    callUntil(end, { caller, send, operation: background?.operation ?? operation }),
  )
  const calls = await Promise.all(measured)
  const seconds = (performance.now() - start.at) / 1000
  await Promise.all(beside)
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
    if (response.status === 200) {
      latenciesMs.push(performance.now() - sentAt)
      caller.accept(response.body)
    } else if (operation.mayBeRefused) {
      refused++
      await Promise.race([waitAsAsked(response), waitUntil(end)])
    } else {
      throw new Error(`${operation.name} was answered with ${response.status}: ${response.body}`)
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

/** The nearest rank. */
function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((x, y) => x - y)
  return sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN
}

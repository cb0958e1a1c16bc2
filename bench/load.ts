import { get, type Send } from './exchange.ts'
import { type Caller, CONSTANT, type Operation } from './operations.ts'

const ROUNDS = 5
const ROUND_MS = 600
const WARM_UP_MS = 300
const MAX_REQUESTS = 5000

export interface Result {
  operation: string
  concurrency: number
  /** How many requests were measured. */
  requests: number
  /** Of the rounds, the one in the middle. */
  perSecond: number
  /** To the ceiling's requests a second, round by round; of these, the one in the middle. */
  ratio: number
  p50Ms: number
  p99Ms: number
}

export interface Round {
  perSecond: number
  latenciesMs: number[]
}

interface Side {
  send: Send
  callers: readonly Caller[]
}

export interface Senders {
  ceiling: Send
  subject: Send
}

/** The ceiling and the subject in turns, so that what else the machine does meets both. */
export async function compare(
  operation: Operation,
  { ceiling, subject }: Senders,
  concurrency: number,
): Promise<{ ceiling: Round[]; subject: Result }> {
  const a = await openSide(CONSTANT, ceiling, concurrency)
  const b = await openSide(operation, subject, concurrency)
  for (const side of [a, b]) await runRound(side, WARM_UP_MS)
  await settle(subject)
  const rounds: { ceiling: Round; subject: Round }[] = []
  for (let i = 0; i < ROUNDS; i++) {
    rounds.push({ ceiling: await runRound(a, ROUND_MS), subject: await runRound(b, ROUND_MS) })
    await settle(subject)
  }
  const ratios = rounds.map((round) => round.subject.perSecond / round.ceiling.perSecond)
  const measured = rounds.map((round) => round.subject)
  return {
    ceiling: rounds.map((round) => round.ceiling),
    subject: summarize(operation.name, concurrency, { rounds: measured, ratio: quantile(ratios, 0.5) }),
  }
}

/** Leaves no audit write of one round for the next: the database answers this question after them. */
async function settle(send: Send): Promise<void> {
  await send(get('/health/ready'))
}

export function summarize(
  operation: string,
  concurrency: number,
  { rounds, ratio }: { rounds: readonly Round[]; ratio: number },
): Result {
  const latenciesMs = rounds.flatMap((round) => round.latenciesMs)
  const perSecond = quantile(
    rounds.map((round) => round.perSecond),
    0.5,
  )
  return {
    ...{ operation, concurrency, ratio, perSecond, requests: latenciesMs.length },
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
  }
}

async function openSide(operation: Operation, send: Send, concurrency: number): Promise<Side> {
  const callers = await Promise.all(Array.from({ length: concurrency }, () => operation.open(send)))
  return { send, callers }
}

/** All callers at once, each one request after the other, until the time or the count is up. */
async function runRound({ send, callers }: Side, durationMs: number): Promise<Round> {
  const latenciesMs: number[] = []
  const start = performance.now()
  let begun = 0

  async function call(caller: Caller): Promise<void> {
    while (performance.now() - start < durationMs && begun < MAX_REQUESTS) {
      begun++
      const sentAt = performance.now()
      const body = await send(caller.next())
      latenciesMs.push(performance.now() - sentAt)
      caller.accept(body)
    }
  }

  await Promise.all(callers.map(call))
  const seconds = (performance.now() - start) / 1000
  return { perSecond: latenciesMs.length / seconds, latenciesMs }
}

/** The nearest rank. */
function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((x, y) => x - y)
  return sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN
}

import { BASELINES, type BaselineName, CASES } from './cases.ts'
import { COST_NAMES, type Cost } from './cost.ts'
import type { OperationCost } from './count.ts'
import type { Comparison } from './load.ts'
import type { Memory } from './memory.ts'

/** The columns of a cost in docs/performance.md. docs/cost.md has the billed units. */
const COST_TITLES: Partial<Record<keyof Cost, string>> = {
  d1Calls: 'D1 calls',
  d1Reads: 'D1 reads',
  d1Writes: 'D1 writes',
  kvReads: 'KV reads',
  kvWrites: 'KV writes',
  argon2: 'Argon2id',
  sha256: 'SHA-256',
  signatures: 'signatures',
  verifications: 'verifications',
}

/** One operation compared with its baseline, at one concurrency. */
export interface Measurement extends Comparison {
  operation: string
  baselineName: BaselineName
}

/** The table of speeds, as Markdown. */
export function formatSpeed(measurements: readonly Measurement[]): string {
  const titles = [
    'operation',
    'concurrency',
    'baseline',
    'ratio',
    'aim',
    'CPU ms',
    'p50 ms',
    'p99 ms',
    'a second',
  ]
  const rows = measurements.map(({ operation, concurrency, baselineName, ratio, subject, baseline }) => [
    operation,
    String(concurrency),
    BASELINES[baselineName].title,
    formatRatio(ratio),
    aimOf(operation),
    both(subject.cpuMs, baseline.cpuMs, 3),
    both(subject.p50Ms, baseline.p50Ms, 2),
    both(subject.p99Ms, baseline.p99Ms, 1),
    subject.perSecond.toFixed(0) + formatRefused(subject.refused),
  ])
  return formatTable(titles, rows, 1)
}

/** The comparison of an empty and a full database, as Markdown. */
export function formatGrowth(measurements: readonly Measurement[]): string {
  const titles = ['operation', 'full to empty', 'CPU ms', 'p50 ms', 'p99 ms']
  const rows = measurements.map(({ operation, ratio, subject, baseline }) => [
    operation,
    formatRatio(ratio),
    both(subject.cpuMs, baseline.cpuMs, 3),
    both(subject.p50Ms, baseline.p50Ms, 2),
    both(subject.p99Ms, baseline.p99Ms, 1),
  ])
  return formatTable(titles, rows, 1)
}

/** The table of costs, as Markdown. `1 + 2` is one call before the response and two after it. */
export function formatCosts(costs: readonly OperationCost[]): string {
  const names = COST_NAMES.filter((name) => name in COST_TITLES)
  const titles = ['operation', ...names.map((name) => COST_TITLES[name] ?? '')]
  const rows = costs.map(({ operation, before, after }) => [
    operation,
    ...names.map((name) => (after[name] === 0 ? `${before[name]}` : `${before[name]} + ${after[name]}`)),
  ])
  return formatTable(titles, rows, 1)
}

export function formatRatio(ratio: number): string {
  return ratio.toFixed(2)
}

function aimOf(operation: string): string {
  return CASES.find((candidate) => candidate.operation.name === operation)?.aim?.toFixed(2) ?? ''
}

/** The value of Sallyport and the value of the baseline. */
function both(subject: number, baseline: number, digits: number): string {
  return `${subject.toFixed(digits)} / ${baseline.toFixed(digits)}`
}

function formatRefused(refused: number): string {
  return refused === 0 ? '' : `, ${(refused * 100).toFixed(0)} % 503`
}

/** The upload of a Worker, and its start in an isolate. */
export interface Start {
  /** Processor time. */
  startupMs: number
  size: { kib: number; gzippedKib: number }
}

/** Both Workers. */
export interface Starts {
  tokenService: Start
  management: Start
}

/** The start of an isolate, as Markdown. */
export function formatStart(starts: Starts): string {
  return formatTable(['one isolate', ''], startRows(starts), 1)
}

export function startRows({ tokenService, management }: Starts): string[][] {
  const rows = (name: string, { startupMs, size: { kib, gzippedKib } }: Start) => [
    [`upload of ${name}`, `${kib.toFixed(0)} KiB, gzipped ${gzippedKib.toFixed(0)} KiB`],
    [`start of ${name}, processor time`, `${startupMs.toFixed(0)} ms`],
  ]
  return [...rows('the token service', tokenService), ...rows('the Worker of management', management)]
}

/** The memory of an isolate, as Markdown. */
export function formatMemory(memory: Memory): string {
  return formatTable(['one isolate', ''], memoryRows(memory), 1)
}

export function memoryRows(memory: Memory): string[][] {
  const { heapAtFirstMib, heapAfterTokensMib, heapWhileQueueingMib, growthMib } = memory
  return [
    ['heap after the first token', `${heapAtFirstMib.toFixed(1)} MiB`],
    ['heap after 20,000 more', `${heapAfterTokensMib.toFixed(1)} MiB`],
    ['heap while the queue of hashes is full', `${heapWhileQueueingMib.toFixed(1)} MiB`],
    [
      'growth of the process from the first token until the full queue is done',
      growthMib === null ? 'not known here' : `${growthMib.toFixed(0)} MiB`,
    ],
  ]
}

/** @param textColumns The number of leading columns with text. */
export function formatTable(
  titles: readonly string[],
  rows: readonly string[][],
  textColumns: number,
): string {
  const rule = titles.map((_, i) => (i < textColumns ? '---' : '---:'))
  return [titles, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

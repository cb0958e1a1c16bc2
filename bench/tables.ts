import { COST_NAMES, type Cost } from './cost.ts'
import type { OperationCost } from './count.ts'
import type { Result } from './load.ts'

const COST_TITLES: Record<keyof Cost, string> = {
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

/** How fast, as Markdown. */
export function formatResults(results: readonly Result[]): string {
  const titles = ['operation', 'concurrency', 'requests', 'a second', 'to the ceiling', 'p50 ms', 'p99 ms']
  const rows = results.map(({ operation, concurrency, requests, perSecond, ratio, p50Ms, p99Ms }) => [
    ...[operation, String(concurrency), String(requests), perSecond.toFixed(0)],
    ...[ratio.toFixed(3), p50Ms.toFixed(2), p99Ms.toFixed(2)],
  ])
  return formatTable(titles, rows, 1)
}

/** What each request does, as Markdown: `1 + 2` is one before the answer and two that it does not wait for. */
export function formatCosts(costs: readonly OperationCost[]): string {
  const titles = ['operation', ...COST_NAMES.map((name) => COST_TITLES[name])]
  const rows = costs.map(({ operation, before, after }) => [
    operation,
    ...COST_NAMES.map((name) => (after[name] === 0 ? `${before[name]}` : `${before[name]} + ${after[name]}`)),
  ])
  return formatTable(titles, rows, 1)
}

/** @param textColumns How many of the first columns are not numbers. */
function formatTable(titles: readonly string[], rows: readonly string[][], textColumns: number): string {
  const rule = titles.map((_, i) => (i < textColumns ? '---' : '---:'))
  return [titles, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

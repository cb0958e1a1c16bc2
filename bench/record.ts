import { readFileSync, writeFileSync } from 'node:fs'
import { BASELINES, CASES, PRICED } from './cases.ts'
import { drawChart } from './chart.ts'
import type { OperationCost } from './count.ts'
import { type FeedMeasurement, formatFeed } from './feed.ts'
import type { Comparison } from './load.ts'
import type { Memory } from './memory.ts'
import type { Measures } from './price_model.ts'
import { priceSections } from './price_tables.ts'
import { type BoundMeasurement, formatRevocationBound } from './revocation_bound.ts'
import {
  formatCosts,
  formatGrowth,
  formatSpeed,
  formatTable,
  type Measurement,
  memoryRows,
  type Starts,
  startRows,
} from './tables.ts'

const PAGE = 'docs/performance.md'
const COST_PAGE = 'docs/cost.md'
const CHART = 'docs/performance.svg'

/** The concurrency that the chart shows. */
const CHARTED = 32

/** All measurements of one run. */
export interface Run extends Starts {
  speed: readonly Measurement[]
  /** Machine tokens during queued sign-ins, compared with machine tokens alone. */
  duringSignIns: Comparison
  growth: readonly Measurement[]
  feed: readonly FeedMeasurement[]
  bound: readonly BoundMeasurement[]
  costs: readonly OperationCost[]
  /** Operations that are counted only for their price. */
  priced: readonly OperationCost[]
  /** Bytes of a row with its index entries, by table. */
  rowBytes: Measures['rowBytes']
  memory: Memory
}

/** Writes the tables of a run between the markers of the pages, and draws the chart. */
export function writeRecord(run: Run): void {
  writeSections(PAGE, sectionsOf(run))
  writeSections(COST_PAGE, priceSections(measuresOf(run)))
  writeFileSync(CHART, drawChart('Speed of each operation, as a ratio to its baseline', barsOf(run)))
}

/** The input of the prices. The processor time is that at the concurrency of the chart. */
function measuresOf({ speed, costs, priced, rowBytes }: Run): Measures {
  const cpuMs = (operation: string): number => {
    const name = PRICED.find((one) => one.operation.name === operation)?.like.name ?? operation
    const measurement = speed.find((one) => one.operation === name && one.concurrency === CHARTED)
    return measurement?.subject.cpuMs ?? Number.NaN
  }
  return { costs: [...costs, ...priced], cpuMs, rowBytes }
}

export function writeSections(page: string, sections: Record<string, string>): void {
  const text = Object.entries(sections).reduce(
    (rest, [name, section]) => replaceSection(rest, name, section, page),
    readFileSync(page, 'utf8'),
  )
  writeFileSync(page, text)
}

/** Replaces the text between `<!-- name -->` and `<!-- /name -->`. @throws Error if the page has no such marker */
export function replaceSection(page: string, name: string, text: string, path: string): string {
  const place = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`)
  if (!place.test(page)) throw new Error(`${path} has no place for "${name}"`)
  return page.replace(place, (_, start: string, end: string) => `${start}${text}\n${end}`)
}

function sectionsOf({ speed, growth, costs, feed, bound, ...rest }: Run): Record<string, string> {
  return {
    run: `Run of ${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, two cores.`,
    speed: formatSpeed(speed),
    queue: describeQueue(rest.duringSignIns, speed),
    growth: formatGrowth(growth),
    costs: formatCosts(costs),
    feed: formatFeed(feed),
    bound: formatRevocationBound(bound),
    isolate: describeIsolate(rest),
  }
}

function describeQueue({ subject, baseline }: Comparison, speed: readonly Measurement[]): string {
  const hash = speed.find(({ baselineName, concurrency }) => baselineName === 'hash' && concurrency === 1)
  const hashMs = hash?.baseline.p50Ms ?? Number.NaN
  const line = ({ perSecond, p50Ms, p99Ms }: typeof subject) =>
    `${perSecond.toFixed(0)} | ${p50Ms.toFixed(1)} | ${p99Ms.toFixed(1)} | ${(p50Ms / hashMs).toFixed(2)}`
  return `| machine tokens, concurrency 32 | a second | p50 ms | p99 ms | p50 in hashes of ${hashMs.toFixed(1)} ms |
| --- | ---: | ---: | ---: | ---: |
| without sign-ins | ${line(baseline)} |
| during 4 sign-ins | ${line(subject)} |`
}

function describeIsolate({ memory, ...starts }: Starts & Pick<Run, 'memory'>): string {
  return formatTable(['one isolate', ''], [...startRows(starts), ...memoryRows(memory)], 1)
}

function barsOf({ speed }: Run) {
  return (
    speed
      // The chart ends at a ratio of 1.
      .filter(({ concurrency, baselineName }) => concurrency === CHARTED && baselineName !== 'password')
      .map(({ operation, baselineName, ratio }) => ({
        label: baselineName === 'constant' ? operation : `${operation} (${BASELINES[baselineName].title})`,
        ratio,
        aim: CASES.find((one) => one.operation.name === operation)?.aim ?? null,
      }))
  )
}

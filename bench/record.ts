import { readFileSync, writeFileSync } from 'node:fs'
import { BASELINES, CASES, PRICED } from './cases.ts'
import { drawChart } from './chart.ts'
import type { Counts } from './count_costs.ts'
import { type FeedMeasurement, formatFeed } from './feed.ts'
import type { Comparison } from './load.ts'
import type { Memory } from './memory.ts'
import type { Measures } from './price_model.ts'
import { formatSteps, priceSections } from './price_tables.ts'
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
const SCALING_PAGE = 'docs/scaling.md'
const CHART = 'docs/performance.svg'

/** The concurrency that the chart shows. */
const CHARTED = 32

/** All measurements of one run. */
export interface Run extends Starts, Counts {
  speed: readonly Measurement[]
  /** Machine tokens during queued sign-ins, compared with machine tokens alone. */
  duringSignIns: Comparison
  growth: readonly Measurement[]
  feed: readonly FeedMeasurement[]
  bound: readonly BoundMeasurement[]
  memory: Memory
}

/** Writes the tables of a run between the markers of the pages, and draws the chart. */
export function writeRecord(run: Run): void {
  writeSections(PAGE, sectionsOf(run))
  writePrices(measuresOf(run, (name) => cpuMsOf(run.speed, name)))
  writeFileSync(CHART, drawChart('Speed of each operation, as a ratio to its baseline', barsOf(run)))
}

/** Writes the tables of docs/cost.md, with the processor times that docs/performance.md has. */
export function writeCosts(counts: Counts): void {
  const times = readCpuMs(readFileSync(PAGE, 'utf8'))
  writePrices(measuresOf(counts, (name) => times.get(name) ?? Number.NaN))
}

function writePrices(measures: Measures): void {
  writeSections(COST_PAGE, priceSections(measures))
  writeSections(SCALING_PAGE, { steps: formatSteps(measures) })
}

/** The processor times at the concurrency of the chart, by operation, in the table of speeds. */
export function readCpuMs(page: string): Map<string, number> {
  const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
  const charted = rows.filter(([, , concurrency]) => concurrency === String(CHARTED))
  return new Map(
    charted.map(([, operation = '', , , , , cpuMs = '']) => [operation, Number.parseFloat(cpuMs)]),
  )
}

/** The processor time at the concurrency of the chart. */
function cpuMsOf(speed: readonly Measurement[], operation: string): number {
  const measurement = speed.find((one) => one.operation === operation && one.concurrency === CHARTED)
  return measurement?.subject.cpuMs ?? Number.NaN
}

/** The input of the prices. @param measuredMs The processor time of a measured operation. */
function measuresOf(
  { costs, priced, ...counts }: Counts,
  measuredMs: (operation: string) => number,
): Measures {
  const cpuMs = (operation: string) =>
    measuredMs(PRICED.find((one) => one.operation.name === operation)?.like.name ?? operation)
  return { ...counts, costs: [...costs, ...priced], cpuMs }
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

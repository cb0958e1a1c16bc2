import { ISOLATE_STATES, type IsolateState, MARKETS, sharesOf, type Traffic } from '../../bench/places.ts'
import { percentileOf } from './drawn_delays.ts'

/** The durations of one operation in each market, by the name of the market. */
export interface MeasuredOperation {
  operation: string
  /** Where the sessions are. */
  sessions: string
  durations: ReadonlyMap<string, Record<IsolateState, number[]>>
}

/** The operation, the place of its sessions, and the p50 and p99 in each market in whole milliseconds. */
export function placesRow({ operation, sessions, durations }: MeasuredOperation, traffic: Traffic): string[] {
  const cells = MARKETS.map(({ name }) => {
    const measured = durations.get(name)
    return measured === undefined ? '–' : cellOf(measured, traffic)
  })
  return [operation, sessions, ...cells]
}

/** The table of one kind of traffic. */
export function placesTable(measured: readonly MeasuredOperation[], traffic: Traffic): string {
  const titles = ['operation', 'sessions in', ...MARKETS.map(({ name }) => name)]
  const rule = rowOf(['---', '---', ...MARKETS.map(() => '---:')])
  return [rowOf(titles), rule, ...measured.map((one) => rowOf(placesRow(one, traffic)))].join('\n')
}

export function rowOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function cellOf(durations: Record<IsolateState, number[]>, traffic: Traffic): string {
  const shares = sharesOf(traffic)
  const states = Object.keys(ISOLATE_STATES) as IsolateState[]
  const times = states.flatMap((state) =>
    durations[state].map((ms) => ({ ms, weight: shares[state] / durations[state].length })),
  )
  return [0.5, 0.99].map((share) => percentileOf(times, share).toFixed(0)).join(' / ')
}

import { auditPathOf, type Interval } from './audit_path.ts'
import { CONSOLE_PATH } from './console_path.ts'
import { formatComparison, formatCount, formatTime, pluralOf } from './format.ts'
import { ShortTime } from './parts.tsx'
import type { Series } from './statistics_series.ts'

const WIDTH = 300
const HEIGHT = 64
const GAP = 1
const DAY = 86_400

/** The times below a chart: of its start, its middle and its end. */
const TICKS = [0, 0.5, 1] as const

/**
 * A column chart: the total as a number, its change since the previous period, and the values over time. Each column is a link to
 * the audit events of its interval. A mouse uses these links. They are no tab stops, because the table of the dashboard has the same
 * links for the keyboard.
 */
export function Chart({ series }: { series: Series }) {
  const { title, unit, total, tone, max } = series
  return (
    <figure class={`chart ${tone}`}>
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-total">
          {formatCount(total)} <small>{pluralOf(total, unit)}</small>
        </span>
      </figcaption>
      <p class="chart-change">{formatComparison(series)}</p>
      <p class="hidden">{describe(series)}</p>
      <div class="plot">
        <p class="scale" aria-hidden="true">
          <span>{formatCount(max)}</span>
          <span>0</span>
        </p>
        <Columns series={series} />
        <TimeAxis series={series} />
      </div>
    </figure>
  )
}

function Columns({ series }: { series: Series }) {
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      {[0, HEIGHT / 2, HEIGHT].map((y) => (
        <line class="grid" x1="0" x2={WIDTH} y1={y} y2={y} />
      ))}
      {series.values.map((value, i) => (value === 0 ? null : <Column series={series} index={i} />))}
    </svg>
  )
}

function Column({ series, index }: { series: Series; index: number }) {
  const { unit, values, max, filter } = series
  const value = values[index] ?? 0
  const interval = intervalOf(series, index)
  const step = WIDTH / values.length
  const height = Math.max(2, (value / max) * HEIGHT)
  const place = { x: round(index * step), width: round(step - GAP) }
  return (
    <a
      href={CONSOLE_PATH + auditPathOf(filter, interval)}
      tabindex={-1}
      data-from={interval.from}
      data-to={interval.to}
    >
      <title>{`${formatInterval(interval)}: ${formatCount(value)} ${pluralOf(value, unit)}`}</title>
      <rect class="area" {...place} y="0" height={HEIGHT} />
      <rect class="bar" {...place} y={round(HEIGHT - height)} height={round(height)} />
    </a>
  )
}

function TimeAxis({ series: { times, bucketSeconds } }: { series: Series }) {
  const from = times[0] ?? 0
  const length = times.length * bucketSeconds
  return (
    <p class="times" aria-hidden="true">
      {TICKS.map((part) => (
        <ShortTime at={from + part * length} form={length > DAY ? 'day' : 'clock'} />
      ))}
    </p>
  )
}

/** The interval of a bucket. */
export function intervalOf({ times, bucketSeconds }: Series, index: number): Interval {
  const from = times[index] ?? 0
  return { from, to: from + bucketSeconds }
}

/** `2026-11-12 14:03 to 14:04 UTC`. */
function formatInterval({ from, to }: Interval): string {
  const [start, end] = [from, to].map((at) => formatTime(at).slice(0, 16))
  return `${start} to ${to - from < DAY ? end?.slice(11) : end} UTC`
}

function describe(series: Series): string {
  const { title, unit, total, values } = series
  if (total === 0) return `${title}: none.`
  const most = Math.max(...values)
  const at = formatInterval(intervalOf(series, values.indexOf(most)))
  return `${title}: ${formatCount(total)} ${pluralOf(total, unit)}. Maximum: ${formatCount(most)} from ${at}.`
}

function round(length: number): number {
  return Math.round(length * 100) / 100
}

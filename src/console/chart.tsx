import { formatCount, formatTime, pluralOf } from './format.ts'

const WIDTH = 300
const HEIGHT = 64
const GAP = 1

export interface ChartProps {
  title: string
  /** The counted thing, such as `token`. */
  unit: string
  total: number
  /** One value for each bucket, the newest last. */
  values: readonly number[]
  /** The start of each bucket, in Unix seconds. */
  times: readonly number[]
  /** The value of the highest column. Charts in one row share it. */
  max: number
  tone: 'plain' | 'bad'
}

/** A small column chart: the total as a number, and the values over time. */
export function Chart({ title, unit, total, values, times, max, tone }: ChartProps) {
  const step = WIDTH / values.length
  return (
    <figure class={`chart ${tone}`}>
      <figcaption>
        <span class="chart-title">{title}</span>
        <span class="chart-total">
          {formatCount(total)} <small>{pluralOf(total, unit)}</small>
        </span>
      </figcaption>
      <svg
        role="img"
        aria-label={describe({ title, unit, total, values, times })}
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
      >
        <line class="base" x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
        {values.map((value, i) => {
          const height = value === 0 ? 0 : Math.max(2, (value / max) * (HEIGHT - 4))
          return value === 0 ? null : (
            <rect
              x={round(i * step)}
              y={round(HEIGHT - height)}
              width={round(step - GAP)}
              height={round(height)}
            />
          )
        })}
      </svg>
    </figure>
  )
}

function describe({
  title,
  unit,
  total,
  values,
  times,
}: Pick<ChartProps, 'title' | 'unit' | 'total' | 'values' | 'times'>): string {
  if (total === 0) return `${title}: none.`
  const most = Math.max(...values)
  const at = times[values.indexOf(most)] ?? 0
  return `${title}: ${formatCount(total)} ${pluralOf(total, unit)}. Maximum: ${formatCount(most)} from ${formatTime(at)} UTC.`
}

function round(length: number): number {
  return Math.round(length * 100) / 100
}

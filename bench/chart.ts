/** One bar: a ratio from 0 to 1, and its aim or null. */
export interface Bar {
  label: string
  ratio: number
  aim: number | null
}

const WIDTH = 640
const LABEL_WIDTH = 230
const VALUE_WIDTH = 50
const ROW_HEIGHT = 26
const BAR_HEIGHT = 14
const FOOT_HEIGHT = 24
/** Below this ratio, the number stands next to the bar. */
const SHORT = 0.12

/** Draws horizontal bars, with a line at each aim, as an SVG for light and dark pages. */
export function drawChart(title: string, bars: readonly Bar[]): string {
  const height = ROW_HEIGHT * bars.length + FOOT_HEIGHT
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeXml(title)}">
<style>text { font: 13px system-ui, sans-serif; fill: #57606a } rect { fill: #2f7d6b } .aim { stroke: #c2571a; stroke-width: 2 }
@media (prefers-color-scheme: dark) { text { fill: #9da7b3 } rect { fill: #4fb39b } .aim { stroke: #f0925a } }</style>
${bars.map(drawBar).join('\n')}
<text x="${LABEL_WIDTH}" y="${height - 6}">ratio to the constant Worker, or to the baseline in brackets</text>
</svg>
`
}

function drawBar({ label, ratio, aim }: Bar, row: number): string {
  const y = row * ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) / 2
  const end = scale(Math.min(1, ratio))
  const line =
    aim === null
      ? ''
      : `<line class="aim" x1="${scale(aim)}" x2="${scale(aim)}" y1="${y - 3}" y2="${y + BAR_HEIGHT + 3}"/><text x="${scale(aim) + 6}" y="${y + 12}">aim ${aim.toFixed(2)}</text>`
  return `<text x="${LABEL_WIDTH - 8}" y="${y + 12}" text-anchor="end">${escapeXml(label)}</text><rect x="${LABEL_WIDTH}" y="${y}" width="${(end - LABEL_WIDTH).toFixed(1)}" height="${BAR_HEIGHT}"/>${line}<text class="value" x="${ratio < SHORT ? end + 6 : end - 6}" y="${y + 12}" text-anchor="${ratio < SHORT ? 'start' : 'end'}"${ratio < SHORT ? '' : ' style="fill:#fff"'}>${ratio.toFixed(2)}</text>`
}

function scale(ratio: number): number {
  return Math.round(LABEL_WIDTH + ratio * (WIDTH - LABEL_WIDTH - VALUE_WIDTH))
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

import { readFileSync, writeFileSync } from 'node:fs'
import dagre, { type GraphLabel } from '@dagrejs/dagre'
import { stop } from './stop.ts'

/** A box of a diagram: its first line, and smaller lines below it. */
export interface Box {
  name: string
  details?: readonly string[]
}

/** An arrow between two boxes, by their names. */
export interface Arrow {
  from: string
  to: string
  label?: string
}

export interface Diagram {
  /** The text for screen readers. */
  title: string
  boxes: readonly Box[]
  arrows: readonly Arrow[]
  /** The size of a box without details, in pixels. */
  box: { width: number; height: number }
  layout: GraphLabel
}

interface Point {
  x: number
  y: number
}

const LINE_HEIGHT = 16
/** The width of a character of a label, in pixels. */
const CHARACTER_WIDTH = 6.2

/** Writes the picture of a script. With `--check`, ends this process if the picture is out of date. */
export function writePicture(path: string, svg: string, command: string): void {
  if (!process.argv.includes('--check')) writeFileSync(path, svg)
  else if (readFileSync(path, 'utf8') !== svg) stop(`${path} is out of date: run ${command}`)
}

/** @returns The diagram as SVG, for light and dark pages */
export function draw({ title, boxes, arrows, box, layout }: Diagram): string {
  const graph = new dagre.graphlib.Graph().setGraph({ ...layout })
  for (const { name, details = [] } of boxes) {
    graph.setNode(name, { ...box, height: box.height + details.length * LINE_HEIGHT })
  }
  for (const { from, to, label = '' } of arrows) {
    const size = label === '' ? {} : { width: label.length * CHARACTER_WIDTH, height: LINE_HEIGHT }
    graph.setEdge(from, to, { ...size, labelpos: 'c' })
  }
  dagre.layout(graph)
  const { width = 0, height = 0 } = graph.graph()
  const edges = arrows.map(({ from, to, label = '' }) => ({ label, ...graph.edge(from, to) }))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" role="img" aria-label="${title}">
<style>text { font: 13px ui-monospace, monospace; fill: #1f2328 } rect { fill: #eef5f2; stroke: #2f7d6b } path { fill: none; stroke: #8c959f } marker path { fill: #8c959f; stroke: none }
.detail { font-size: 11px } .label { font: 11px ui-sans-serif, sans-serif; paint-order: stroke; stroke: #fff; stroke-width: 4px }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } rect { fill: #17332c; stroke: #4fb39b } path { stroke: #6e7681 } marker path { fill: #6e7681 } .label { stroke: #0d1117 } }</style>
<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>
${edges.map(({ points }) => drawArrow(points)).join('\n')}
${boxes.map((content) => drawBox(content, graph.node(content.name))).join('\n')}
${edges
  .filter(({ label }) => label !== '')
  .map(drawLabel)
  .join('\n')}
</svg>
`
}

function drawArrow(points: readonly Point[]): string {
  const line = points.map(({ x, y }) => `${round(x)} ${round(y)}`).join('L')
  return `<path d="M${line}" marker-end="url(#end)"/>`
}

/** @param node The centre and the size of the box. */
function drawBox({ name, details = [] }: Box, node: Point & { width: number; height: number }): string {
  const [x, y] = [round(node.x - node.width / 2), round(node.y - node.height / 2)]
  const lines = details.map((line, i) => drawText(line, 'detail', { x: node.x, y: y + 36 + i * LINE_HEIGHT }))
  return `<rect x="${x}" y="${y}" width="${node.width}" height="${node.height}" rx="5"/><text x="${round(node.x)}" y="${y + 20}" text-anchor="middle">${name}</text>${lines.join('')}`
}

function drawLabel({ label, x = 0, y = 0 }: { label: string; x?: number; y?: number }): string {
  return drawText(label, 'label', { x, y: y + 4 })
}

function drawText(text: string, kind: 'detail' | 'label', { x, y }: Point): string {
  return `<text class="${kind}" x="${round(x)}" y="${round(y)}" text-anchor="middle">${text}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

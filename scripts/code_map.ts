// `npm run code-map` draws docs/code-map.svg from the imports of the source. `--check` fails if the picture is out of date.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import dagre from '@dagrejs/dagre'
import { stop } from './stop.ts'

const PICTURE = 'docs/code-map.svg'
const SOURCE = /\.tsx?$/
const IMPORT = /\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g

const BOX = { width: 118, height: 30 }
const LAYOUT = { rankdir: 'TB', nodesep: 26, ranksep: 34, marginx: 16, marginy: 16 }

/** The parts that a part imports from, by name. A part is a folder of src, or a file directly in src. */
type Imports = Map<string, Set<string>>

interface Point {
  x: number
  y: number
}

const svg = draw(reduce(readImports('src')))
if (process.argv.includes('--check')) {
  if (readFileSync(PICTURE, 'utf8') !== svg) stop(`${PICTURE} is out of date: run npm run code-map`)
} else {
  writeFileSync(PICTURE, svg)
}

function readImports(root: string): Imports {
  const imports: Imports = new Map()
  for (const file of listFiles(root)) {
    const part = partOf(relative(root, file))
    const targets = imports.get(part) ?? new Set<string>()
    imports.set(part, targets)
    for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
      const target = relative(root, join(dirname(file), specifier))
      if (!specifier.startsWith('.') || target.startsWith('..') || !SOURCE.test(target)) continue
      if (partOf(target) !== part) targets.add(partOf(target))
    }
  }
  return imports
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => SOURCE.test(path) && !path.endsWith('.d.ts') && statSync(path).isFile())
    .sort()
}

function partOf(path: string): string {
  return path.split('/', 1)[0] ?? path
}

/** Drops each import that a longer way implies: if a imports b and b imports c, then the arrow from a to c is redundant. */
function reduce(imports: Imports): Imports {
  const reach = new Map([...imports.keys()].map((part) => [part, reachOf(part, imports)]))
  return new Map(
    [...imports].map(([part, targets]) => {
      const isImplied = (target: string) => [...targets].some((other) => reach.get(other)?.has(target))
      return [part, new Set([...targets].filter((target) => !isImplied(target)))]
    }),
  )
}

function reachOf(part: string, imports: Imports, seen = new Set<string>()): Set<string> {
  for (const target of imports.get(part) ?? []) {
    if (seen.has(target)) continue
    seen.add(target)
    reachOf(target, imports, seen)
  }
  return seen
}

function draw(imports: Imports): string {
  const graph = new dagre.graphlib.Graph().setGraph(LAYOUT).setDefaultEdgeLabel(() => ({}))
  for (const part of [...imports.keys()].sort()) graph.setNode(part, { ...BOX })
  for (const [part, targets] of imports) for (const target of [...targets].sort()) graph.setEdge(part, target)
  dagre.layout(graph)
  const { width = 0, height = 0 } = graph.graph()
  const arrows = graph.edges().map((edge) => drawArrow(graph.edge(edge).points))
  const boxes = graph.nodes().map((name) => drawBox(name, graph.node(name)))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${round(height)}" role="img" aria-label="Imports between the folders of src">
<style>text { font: 13px ui-monospace, monospace; fill: #1f2328 } rect { fill: #eef5f2; stroke: #2f7d6b } path { fill: none; stroke: #8c959f } marker path { fill: #8c959f; stroke: none }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } rect { fill: #17332c; stroke: #4fb39b } path { stroke: #6e7681 } marker path { fill: #6e7681 } }</style>
<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>
${arrows.join('\n')}
${boxes.join('\n')}
</svg>
`
}

function drawArrow(points: readonly Point[]): string {
  const line = points.map(({ x, y }) => `${round(x)} ${round(y)}`).join('L')
  return `<path d="M${line}" marker-end="url(#end)"/>`
}

/** @param centre The centre of the box. */
function drawBox(name: string, centre: Point): string {
  const [x, y] = [round(centre.x - BOX.width / 2), round(centre.y - BOX.height / 2)]
  return `<rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="5"/><text x="${round(centre.x)}" y="${y + 20}" text-anchor="middle">${name}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

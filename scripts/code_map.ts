// `npm run code-map` draws docs/code-map.svg from the imports of the source. `--check` fails if the picture is out of date.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { type Diagram, draw, writePicture } from './diagram.ts'

const SOURCE = /\.tsx?$/
const IMPORT = /\b(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g

/** The parts that a part imports from, by name. A part is a folder of src, or a file directly in src. */
type Imports = Map<string, Set<string>>

const imports = reduce(readImports('src'))
const parts: Diagram = {
  title: 'Imports between the folders of src',
  boxes: [...imports.keys()].sort().map((name) => ({ name })),
  arrows: [...imports].flatMap(([from, targets]) => [...targets].sort().map((to) => ({ from, to }))),
  box: { width: 118, height: 30 },
  layout: { rankdir: 'TB', nodesep: 26, ranksep: 34, marginx: 16, marginy: 16 },
}
writePicture('docs/code-map.svg', draw(parts), 'npm run code-map')

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

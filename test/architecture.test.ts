/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from 'vitest'

/** Paths within src/, such as `lib/bytes.ts`, and what the files say. */
type Sources = ReadonlyMap<string, string>

/** Each imports from itself and from what stands before it. */
const LADDER = [
  ...[
    'lib',
    'oauth',
    'config',
    'storage',
    'audit',
    'clients',
    'users',
    'keys',
    'tokens',
    'sessions',
    'grants',
  ],
  ...['services', 'cron.ts', 'http', 'pages', 'endpoints', 'admin', 'console', 'app.ts', 'worker.ts'],
]

const MAX_LINES = 300

/** What has one home each. Comments may speak of it anywhere. */
const CONFINED = [
  {
    what: 'Hono',
    mention: /['"]hono(?:\/[^'"]*)?['"]/,
    home: /^(?:http|pages|endpoints|admin|console)\/|^(?:app|worker)\.ts$/,
  },
  {
    what: 'a storage API',
    mention: /\b(?:D1[A-Z]|KVNamespace|caches\.)/,
    home: /_store\.ts$|^services\//,
  },
  {
    what: 'the clock',
    mention: /\bDate\.now\b|\bDate\(\s*\)|\bnew Date\b(?!\s*\()/,
    home: /^lib\/clock\.ts$/,
  },
  { what: 'the console', mention: /\bconsole\s*[.[]/, home: /^lib\/log\.ts$/ },
]

/** What is no source, and who may import it. */
const TEXT_MODULES = [
  ['worker.ts', 'dist/config.txt'],
  ['lib/version.ts', 'package.json'],
  ['pages/assets.ts', 'pages/style.css'],
  ['console/console_app.tsx', 'console/style.css'],
]

const IMPORT = /\b(?:from|import)\s*\(?\s*['"`]([^'"`]+)['"`]/g
const COMPUTED_IMPORT = /\bimport\s*\(\s*[^\s'"`]/
const COMMENT = /^\s*\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm

const modules = import.meta.glob<string>('../src/**/*.{ts,tsx}', {
  query: '?raw',
  import: 'default',
  eager: true,
})
const sources: Sources = new Map(
  Object.entries(modules)
    .map(([path, text]): [string, string] => [path.replace('../src/', ''), text])
    .filter(([path]) => path !== 'modules.d.ts'),
)

/** The files that a file imports, by their paths within src/. A type counts like a value. */
function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(IMPORT)]
    .map(([, specifier = '']) => specifier)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => new URL(specifier, `file:///${path}`).pathname.slice(1))
    .filter((target) => !TEXT_MODULES.some(([importer, text]) => importer === path && text === target))
}

function rungOf(path: string): number {
  return LADDER.indexOf(path.split('/', 1)[0] ?? '')
}

function findStrangers(files: Sources): string[] {
  return [...files.keys()].filter((path) => rungOf(path) < 0)
}

/** Imports up the ladder, and imports of anything that is not a source file of that very name. */
function findStepsUp(files: Sources): string[] {
  const isStepUp = (path: string, target: string) => !files.has(target) || rungOf(target) > rungOf(path)
  return [...files].flatMap(([path, text]) => [
    ...importsOf(path, text)
      .filter((target) => isStepUp(path, target))
      .map((target) => `${path} imports ${target}`),
    ...(COMPUTED_IMPORT.test(text) ? [`${path} imports a computed name`] : []),
  ])
}

/** The files of cycles: what is left when files that import none, or that none imports, are taken away. */
function findCycles(files: Sources): string[] {
  const graph = new Map([...files].map(([path, text]) => [path, importsOf(path, text)]))
  let size: number
  do {
    size = graph.size
    for (const [path, targets] of graph) {
      const isImported = [...graph.values()].some((others) => others.includes(path))
      if (!isImported || !targets.some((target) => graph.has(target))) graph.delete(path)
    }
  } while (graph.size < size)
  return [...graph.keys()]
}

function findMentions(files: Sources, { what, mention, home }: (typeof CONFINED)[number]): string[] {
  return [...files]
    .filter(([path, text]) => !home.test(path) && mention.test(text.replace(COMMENT, '')))
    .map(([path]) => `${path} uses ${what}`)
}

function findTooLong(files: Sources): string[] {
  return [...files.keys()].filter((path) => (files.get(path)?.trimEnd().split('\n').length ?? 0) > MAX_LINES)
}

describe('the source', () => {
  it('is really read', () => {
    expect(sources.size).toBeGreaterThan(40)
    expect(LADDER.filter((_, rung) => ![...sources.keys()].some((path) => rungOf(path) === rung))).toEqual([])
    expect([...sources].flatMap(([path, text]) => importsOf(path, text)).length).toBeGreaterThan(100)
    expect([...sources].filter(([, text]) => text.trim() === '')).toEqual([])
  })

  it('has no folder and no file that is not on the ladder', () => {
    expect(findStrangers(sources)).toEqual([])
  })

  it('imports down the ladder alone', () => {
    expect(findStepsUp(sources)).toEqual([])
  })

  it('has no cycle of files, not even of types', () => {
    expect(findCycles(sources)).toEqual([])
  })

  it.each(CONFINED)('has one home for $what', (confined) => {
    expect(findMentions(sources, confined)).toEqual([])
  })

  it(`has no file over ${MAX_LINES} lines`, () => {
    expect(findTooLong(sources)).toEqual([])
  })
})

const verifyModules = import.meta.glob<string>('../packages/verify/src/*.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
})

describe('the verifier package', () => {
  it('imports jose and itself, and Hono in its adapter alone: nothing of the server', () => {
    const files = Object.entries(verifyModules)
    expect(files.length).toBeGreaterThan(5)
    const foreign = files.flatMap(([path, text]) =>
      [...text.matchAll(IMPORT)]
        .map(([, specifier = '']) => specifier)
        .filter((specifier) => specifier !== 'jose' && !/^\.\/[a-z_]+\.ts$/.test(specifier))
        .map((specifier) => `${path} imports ${specifier}`),
    )
    expect(foreign).toEqual(['../packages/verify/src/hono.ts imports hono'])
  })
})

const clientModules = import.meta.glob<string>('../packages/client/src/*.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
})

describe('the client module', () => {
  it('imports itself alone', () => {
    const files = Object.entries(clientModules)
    expect(files.length).toBeGreaterThan(3)
    const imported = files.flatMap(([, text]) => [...text.matchAll(IMPORT)].map(([, specifier]) => specifier))
    expect(imported.filter((specifier) => !/^\.\/[a-z_]+\.ts$/.test(specifier ?? ''))).toEqual([])
  })
})

const formatModules = import.meta.glob<string>('../packages/formats/src/**/*.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
})

describe('the package of the shared formats', () => {
  it('imports only its own modules, Node, bcryptjs and zod', () => {
    const files = Object.entries(formatModules)
    expect(files.length).toBeGreaterThan(20)
    const foreign = files.flatMap(([path, text]) =>
      [...text.matchAll(IMPORT)]
        .map(([, specifier = '']) => specifier)
        .map((specifier) =>
          specifier.startsWith('.')
            ? new URL(specifier, `file:///root/${path.slice(3)}`).pathname
            : specifier,
        )
        .filter(
          (target) => !/^(?:\/root\/packages\/formats\/src\/.*|node:.*|bcryptjs|zod\/mini)$/.test(target),
        )
        .map((target) => `${path} imports ${target}`),
    )
    expect(foreign).toEqual([])
  })
})

describe('these checks', () => {
  it.each([
    ["import { log } from '../services/services.ts'"],
    ["import type { Services } from '../services/services.ts'"],
    ["import {\n  a,\n  b,\n} from '../services/services.ts'"],
    ["import '../services/services.ts'"],
    ["export { log } from '../services/services.ts'"],
    ["export * from '../services/services.ts'"],
    ["export type { Services } from '../services/services.ts'"],
    ["const services = await import('../services/services.ts')"],
    ["type Services = import('../services/services.ts').Services"],
  ])('find a step up in %j', (text) => {
    const files = new Map([
      ['lib/bytes.ts', text],
      ['services/services.ts', ''],
    ])
    expect(findStepsUp(files)).toEqual(['lib/bytes.ts imports services/services.ts'])
  })

  it('find imports of what is no source file, and of computed names', () => {
    const files = new Map([
      ['app.ts', "import { log } from './lib/log'\nimport config from '../dist/config.txt'"],
      ['lib/log.ts', 'const module = import(name)'],
      ['worker.ts', "import config from '../dist/config.txt'"],
    ])
    expect(findStepsUp(files)).toEqual([
      'app.ts imports lib/log',
      'app.ts imports dist/config.txt',
      'lib/log.ts imports a computed name',
    ])
  })

  it('find a cycle, and not what hangs on it', () => {
    const files = new Map([
      ['app.ts', "import './keys/a.ts'"],
      ['keys/a.ts', "import type { B } from './b.ts'"],
      ['keys/b.ts', "import { c } from './c.ts'"],
      ['keys/c.ts', "import { a } from './a.ts'\nimport '../lib/d.ts'"],
      ['lib/d.ts', ''],
    ])
    expect(findCycles(files)).toEqual(['keys/a.ts', 'keys/b.ts', 'keys/c.ts'])
  })

  it('find what left its home, and leave comments alone', () => {
    const left = new Map([
      ['grants/a.ts', "import { Hono } from 'hono'"],
      ['grants/b.ts', "import { cors } from 'hono/cors'"],
      ['grants/c.ts', 'constructor(db: D1Database, kv: KVNamespace) {}'],
      ['grants/d.ts', 'const now = Date.now()'],
      ['grants/e.ts', 'const now = new Date()'],
      ['grants/f.ts', 'console.log(1)'],
      ['grants/g.ts', '/** Date.now and\n * the console */\n  // D1Database\nconst day = new Date(0)'],
    ])
    expect(CONFINED.flatMap((confined) => findMentions(left, confined))).toEqual([
      'grants/a.ts uses Hono',
      'grants/b.ts uses Hono',
      'grants/c.ts uses a storage API',
      'grants/d.ts uses the clock',
      'grants/e.ts uses the clock',
      'grants/f.ts uses the console',
    ])
  })

  it('find a file that is too long, and one that is on no rung', () => {
    const files = new Map([
      ['lib/long.ts', 'x\n'.repeat(MAX_LINES + 1)],
      ['lib/full.ts', 'x\n'.repeat(MAX_LINES)],
      ['helpers/a.ts', ''],
      ['main.ts', ''],
    ])
    expect(findTooLong(files)).toEqual(['lib/long.ts'])
    expect(findStrangers(files)).toEqual(['helpers/a.ts', 'main.ts'])
  })
})

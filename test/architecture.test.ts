/// <reference types="vite/types/importMeta.d.ts" />
import { describe, expect, it } from 'vitest'

/** The texts of files by their paths in src/, such as `lib/bytes.ts`. */
type Sources = ReadonlyMap<string, string>

/** The layers, lowest first. Each imports only from itself and from earlier layers. */
const LAYERS = [
  'lib',
  'oauth',
  'config',
  'storage',
  'audit',
  'mail',
  'clients',
  'onetime',
  'users',
  'factors',
  'passkeys',
  'keys',
  'dpop',
  'tokens',
  'sessions',
  'signin',
  'authorization',
  'accounts',
  'challenge',
  'grants',
  'services',
  'cron.ts',
  'http',
  'pages',
  'endpoints',
  'browser',
  'admin',
  'account',
  'console',
  'app.ts',
  'management_app.ts',
  'worker.ts',
  'management_worker.ts',
]

const MAX_LINES = 300

/** The APIs that only some files may use. Comments can name them anywhere. */
const RESTRICTED = [
  {
    what: 'Hono',
    mention: /['"]hono(?:\/[^'"]*)?['"]/,
    home: /^(?:http|pages|endpoints|browser|account|admin|console)\/|^(?:(?:management_)?app|worker)\.ts$/,
  },
  {
    what: 'a storage API',
    mention: /\b(?:D1[A-Z]|KVNamespace|DurableObject|SqlStorage|caches\.)/,
    home: /_store\.ts$|^services\/|^sessions\/session_object\.ts$/,
  },
  {
    what: 'the clock',
    mention: /\bDate\.now\b|\bDate\(\s*\)|\bnew Date\b(?!\s*\()/,
    home: /^lib\/clock\.ts$/,
  },
  { what: 'the console', mention: /\bconsole\s*[.[]/, home: /^lib\/log\.ts$/ },
]

/** The imports of files that are not source files: the importing file and the imported file. */
const TEXT_MODULES = [
  ['worker.ts', 'dist/config.txt'],
  ['management_worker.ts', 'dist/config.txt'],
  ['lib/version.ts', 'package.json'],
  ['pages/assets.ts', 'pages/style.css'],
  ['endpoints/inbox_page.tsx', 'endpoints/inbox.css'],
  ['browser/create_browser_services.ts', 'browser/form_post.js.txt'],
  ['browser/create_browser_services.ts', 'browser/passkey.js.txt'],
  ['browser/create_browser_services.ts', 'browser/style.css'],
  ['console/console_app.tsx', 'console/style.css'],
  ['console/console_app.tsx', 'console/local_times.js.txt'],
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

/** The paths in src/ of the files that a file imports. A type counts like a value. */
function importsOf(path: string, text: string): string[] {
  return [...text.matchAll(IMPORT)]
    .map(([, specifier = '']) => specifier)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => new URL(specifier, `file:///${path}`).pathname.slice(1))
    .filter((target) => !TEXT_MODULES.some(([importer, text]) => importer === path && text === target))
}

function layerOf(path: string): number {
  return LAYERS.indexOf(path.split('/', 1)[0] ?? '')
}

function findFilesWithoutLayer(files: Sources): string[] {
  return [...files.keys()].filter((path) => layerOf(path) < 0)
}

/** Imports from a higher layer, and imports of a path that no source file has. */
function findUpwardImports(files: Sources): string[] {
  const isUpward = (path: string, target: string) => !files.has(target) || layerOf(target) > layerOf(path)
  return [...files].flatMap(([path, text]) => [
    ...importsOf(path, text)
      .filter((target) => isUpward(path, target))
      .map((target) => `${path} imports ${target}`),
    ...(COMPUTED_IMPORT.test(text) ? [`${path} imports a computed name`] : []),
  ])
}

/** The files of cycles: the files that remain after the repeated removal of files without imports or importers. */
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

function findMentions(files: Sources, { what, mention, home }: (typeof RESTRICTED)[number]): string[] {
  return [...files]
    .filter(([path, text]) => !home.test(path) && mention.test(text.replace(COMMENT, '')))
    .map(([path]) => `${path} uses ${what}`)
}

function findTooLong(files: Sources): string[] {
  return [...files.keys()].filter((path) => (files.get(path)?.trimEnd().split('\n').length ?? 0) > MAX_LINES)
}

describe('the source', () => {
  it('the test reads every source file', () => {
    expect(sources.size).toBeGreaterThan(40)
    expect(LAYERS.filter((_, layer) => ![...sources.keys()].some((path) => layerOf(path) === layer))).toEqual(
      [],
    )
    expect([...sources].flatMap(([path, text]) => importsOf(path, text)).length).toBeGreaterThan(100)
    expect([...sources].filter(([, text]) => text.trim() === '')).toEqual([])
  })

  it('each folder and file of the source has a layer', () => {
    expect(findFilesWithoutLayer(sources)).toEqual([])
  })

  it('the source imports only from the same layer or a lower layer', () => {
    expect(findUpwardImports(sources)).toEqual([])
  })

  it('the source has no cycle of imports, including imports of types', () => {
    expect(findCycles(sources)).toEqual([])
  })

  it.each(RESTRICTED)('only one place of the source uses $what', (restricted) => {
    expect(findMentions(sources, restricted)).toEqual([])
  })

  it(`the source has no file over ${MAX_LINES} lines`, () => {
    expect(findTooLong(sources)).toEqual([])
  })
})

const verifyModules = import.meta.glob<string>('../packages/verify/src/*.ts', {
  query: '?raw',
  import: 'default',
  eager: true,
})

describe('the verifier package', () => {
  it('the verifier package imports only jose and its own modules, and its adapter imports Hono', () => {
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
  it('the client module imports only its own modules', () => {
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

describe('the checks', () => {
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
  ])('the checks find an import from a higher layer in %j', (text) => {
    const files = new Map([
      ['lib/bytes.ts', text],
      ['services/services.ts', ''],
    ])
    expect(findUpwardImports(files)).toEqual(['lib/bytes.ts imports services/services.ts'])
  })

  it('the checks find imports of other files than source files, and imports of computed names', () => {
    const files = new Map([
      ['app.ts', "import { log } from './lib/log'\nimport config from '../dist/config.txt'"],
      ['lib/log.ts', 'const module = import(name)'],
      ['worker.ts', "import config from '../dist/config.txt'"],
    ])
    expect(findUpwardImports(files)).toEqual([
      'app.ts imports lib/log',
      'app.ts imports dist/config.txt',
      'lib/log.ts imports a computed name',
    ])
  })

  it('the checks find the files of a cycle, and no file that is only connected to it', () => {
    const files = new Map([
      ['app.ts', "import './keys/a.ts'"],
      ['keys/a.ts', "import type { B } from './b.ts'"],
      ['keys/b.ts', "import { c } from './c.ts'"],
      ['keys/c.ts', "import { a } from './a.ts'\nimport '../lib/d.ts'"],
      ['lib/d.ts', ''],
    ])
    expect(findCycles(files)).toEqual(['keys/a.ts', 'keys/b.ts', 'keys/c.ts'])
  })

  it('the checks find an API that is used in the wrong place, and ignore comments', () => {
    const left = new Map([
      ['grants/a.ts', "import { Hono } from 'hono'"],
      ['grants/b.ts', "import { cors } from 'hono/cors'"],
      ['grants/c.ts', 'constructor(db: D1Database, kv: KVNamespace) {}'],
      ['grants/d.ts', 'const now = Date.now()'],
      ['grants/e.ts', 'const now = new Date()'],
      ['grants/f.ts', 'console.log(1)'],
      ['grants/g.ts', '/** Date.now and\n * the console */\n  // D1Database\nconst day = new Date(0)'],
    ])
    expect(RESTRICTED.flatMap((restricted) => findMentions(left, restricted))).toEqual([
      'grants/a.ts uses Hono',
      'grants/b.ts uses Hono',
      'grants/c.ts uses a storage API',
      'grants/d.ts uses the clock',
      'grants/e.ts uses the clock',
      'grants/f.ts uses the console',
    ])
  })

  it('the checks find a file that is too long, and a file without a layer', () => {
    const files = new Map([
      ['lib/long.ts', 'x\n'.repeat(MAX_LINES + 1)],
      ['lib/full.ts', 'x\n'.repeat(MAX_LINES)],
      ['helpers/a.ts', ''],
      ['main.ts', ''],
    ])
    expect(findTooLong(files)).toEqual(['lib/long.ts'])
    expect(findFilesWithoutLayer(files)).toEqual(['helpers/a.ts', 'main.ts'])
  })
})

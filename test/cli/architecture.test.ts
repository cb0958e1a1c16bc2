import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/** Import statements at the beginning of a line, or `import(` anywhere. The texts of commands contain these words too. */
const IMPORT =
  /^(?:import|export (?:type )?[*{]|\} from)[^'"\n]*['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/gm
const MAX_LINES = 300

/** The modules that the CLI imports: its own, those of the shared formats, and the token requests of the client package. */
const ALLOWED = [
  /^packages\/cli\/src\//,
  /^@sallyport\/formats\//,
  /^@sallyport\/client\/token_endpoint$/,
  /^node:/,
  /^packages\/cli\/package\.json$/,
  /^(?:csv-parse|leven|string-width|yaml)$/,
]

/** Each folder of packages/cli/src/ imports from itself and from those before it; `commands.ts` and the like come last. */
const LAYERS = [
  'core',
  'login',
  'api',
  'import',
  'apply',
  'commands',
  'commands.ts',
  'main.ts',
  'sallyport.ts',
]

const files = new Map(
  readdirSync('packages/cli/src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map(
      (name) =>
        [join('packages/cli/src', name), readFileSync(join('packages/cli/src', name), 'utf8')] as const,
    ),
)

/** Each import as a path from the root of the project, or as the name of a package. */
const imports = [...files].flatMap(([path, text]) =>
  [...text.matchAll(IMPORT)].map(([, stated, specifier = stated ?? '']) => ({
    path,
    target: specifier.startsWith('.') ? normalize(join(dirname(path), specifier)) : specifier,
  })),
)

function rungOf(path: string): number {
  return LAYERS.indexOf(path.split('/')[3] ?? '')
}

describe('the command line', () => {
  it('the test finds the source files of the command line', () => {
    expect(files.size).toBeGreaterThan(30)
    expect(imports.length).toBeGreaterThan(100)
  })

  it('the command line imports no module of the server', () => {
    expect(imports.filter(({ target }) => !ALLOWED.some((allowed) => allowed.test(target)))).toEqual([])
  })

  it('each folder imports only from itself and from lower layers, except types', () => {
    const up = imports.filter(
      ({ path, target }) =>
        target.startsWith('packages/cli/src/') &&
        rungOf(target) > rungOf(path) &&
        path !== 'packages/cli/src/core/command.ts',
    )
    expect(up).toEqual([])
  })

  it(`no file has more than ${MAX_LINES} lines, except the generated types`, () => {
    const written = [...files].filter(([path]) => path !== 'packages/cli/src/api/schemas.ts')
    expect(written.filter(([, text]) => text.split('\n').length > MAX_LINES)).toEqual([])
  })
})

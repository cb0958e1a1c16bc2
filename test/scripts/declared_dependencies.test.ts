import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { describe, expect, it } from 'vitest'
import { packagesOf } from '../support/bundle_parts.ts'

interface Manifest {
  name: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

/** Each workspace with its source files, by git's patterns. */
const WORKSPACES = [
  { folder: '.', sources: ['src', 'scripts', 'vitest.config.ts'] },
  { folder: 'packages/formats', sources: ['packages/formats/src'] },
  { folder: 'packages/verify', sources: ['packages/verify/src'] },
  { folder: 'packages/client', sources: ['packages/client/src'] },
  { folder: 'packages/cli', sources: ['packages/cli/src', 'packages/cli/build.js'] },
  { folder: 'bench', sources: ['bench'] },
]

/** The package in an import statement or a dynamic import. */
const IMPORT =
  /(?:^(?:import|export|\})(?: [^'\n]*from)? |\bawait import\()'((?:@[\w-]+\/)?[\w-]+)(?:\/[^'\n]*)?'/gm

const readManifest = (folder: string): Manifest => JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))

function packagesImportedBy(sources: string[]): string[] {
  const files = execFileSync('git', ['ls-files', ...sources], { encoding: 'utf8' })
    .trim()
    .split('\n')
  const names = files
    .filter((file) => /\.(?:js|tsx?)$/.test(file))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, name = '']) => name))
  return [...new Set(names)].filter((name) => !isBuiltin(name)).sort()
}

describe.each(WORKSPACES)('the manifest in $folder', ({ folder, sources }) => {
  it('the manifest declares each package that the sources import', () => {
    const { dependencies, devDependencies, peerDependencies } = readManifest(folder)
    const declared = new Set(Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies }))
    // The root installs the tools of all workspaces.
    const shared = folder === '.' ? {} : readManifest('.').devDependencies
    const isDeclared = (name: string) => declared.has(name) || Object.hasOwn(shared ?? {}, name)
    expect(packagesImportedBy(sources).filter((name) => !isDeclared(name))).toEqual([])
  })

  it('the manifest declares no runtime dependency that the sources do not import', () => {
    const imported = packagesImportedBy(sources)
    const unused = Object.keys(readManifest(folder).dependencies ?? {}).filter(
      (name) => !imported.includes(name),
    )
    expect(unused).toEqual([])
  })
})

describe('the dependencies of the server', () => {
  it('the dependencies of the server are the packages in the bundle of the Worker', async () => {
    const bundled = await packagesOf('Worker')
    const { dependencies } = readManifest('.')
    const ofFormats = readManifest('packages/formats').dependencies
    const external = Object.keys({ ...dependencies, ...ofFormats }).filter(
      (name) => !name.startsWith('@sallyport/'),
    )
    expect(external.sort()).toEqual([...bundled.keys()].sort())
  })
})

import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { filesOf, LISTED_BUNDLES, packagesOf, uploadKib } from '../support/bundle_parts.ts'

interface Row {
  section: string
  name: string
  version: string
  licence: string
  sizeKiB: number | null
}

const page = readFileSync('docs/dependencies.md', 'utf8')
const rows = page.split(/^## /m).flatMap((section) => readRows(section))

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
/** Packages that a bundle contains because another package needs them. */
const TRANSITIVE = ['ansi-regex', 'get-east-asian-width', 'strip-ansi']

/** The manifests of all workspaces. */
const MANIFESTS = [
  'package.json',
  'packages/formats/package.json',
  'packages/verify/package.json',
  'packages/client/package.json',
  'packages/cli/package.json',
  'bench/package.json',
  'scripts/node/package.json',
]
const locked: Record<string, { version: string; license?: string; link?: boolean }> =
  readJson('package-lock.json').packages

/** The permissive licences that shipped packages may have. */
const PERMISSIVE = /^(?:MIT|Apache-2\.0|ISC|BSD-[23]-Clause)$/

/** The further licences that development tools may have. */
const ON_THE_MACHINE =
  /^(?:MIT|Apache-2\.0|ISC|BSD-[23]-Clause|0BSD|CC0-1\.0|BlueOak-1\.0\.0|MPL-2\.0|LGPL-3\.0-or-later)$/

/** The rows of the table in a section, by the names of its columns. */
function readRows(section: string): Row[] {
  const lines = section.split('\n')
  const cells = (line: string) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim())
  const columns = cells(lines.find((line) => line.startsWith('| package')) ?? '')
  return lines
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const values = cells(line)
      const valueIn = (column: string) => values[columns.indexOf(column)] ?? ''
      return {
        section: lines[0] ?? '',
        name: valueIn('package').replaceAll('`', ''),
        version: valueIn('version'),
        licence: valueIn('licence'),
        sizeKiB: columns.includes('size') ? Number.parseInt(valueIn('size'), 10) : null,
      }
    })
}

const rowsOf = (section: string) => rows.filter((row) => row.section === section)

/** Whether the licence expression of a package allows a use under the given licences. */
function hasLicence(licence: string, kind: RegExp): boolean {
  return licence.split(' OR ').some((choice) => choice.split(' AND ').every((part) => kind.test(part)))
}

/** The folder of an installed package. npm puts a second version into the folder of the workspace. */
function folderOf(name: string): string {
  const own = `packages/cli/node_modules/${name}`
  return existsSync(own) ? own : `node_modules/${name}`
}

/** The manifest of an installed package. */
function installed(name: string): { version: string; license: string; dependencies?: object } {
  return readJson(`${folderOf(name)}/package.json`)
}

/** The licence of a package that states it in npm's old form, which the lockfile does not have. */
function licenceOf(path: string): string {
  const { licenses = [] }: { licenses?: { type: string }[] } = readJson(`${path}/package.json`)
  return licenses.map(({ type }) => type).join(' OR ')
}

describe('the upload of each Worker', () => {
  // An upload grows only for a reason: each cold start compiles it (docs/performance.md).
  it.each([
    ['Worker', 230],
    ['Worker of management', 300],
  ] as const)('the upload of the %s has at most %i KiB, gzipped', async (name, maxKib) => {
    expect(await uploadKib(name)).toBeLessThan(maxKib)
  })

  it('the Worker contains no page of the console and of the account, no operation of the admin API and no work of the cron trigger', async () => {
    const files = await filesOf('Worker')
    expect(files).toContain('src/endpoints/token.ts')
    // The token service forwards the requests for these paths.
    expect(files.filter((path) => /^src\/(?:account|admin|console)\//.test(path))).toEqual([
      'src/admin/admin_path.ts',
      'src/console/console_path.ts',
    ])
    expect(files).not.toContain('src/cron.ts')
    expect(files).not.toContain('src/services/maintenance_services.ts')
  })

  it('the Worker of management contains no grant and no page of a sign-in', async () => {
    const files = await filesOf('Worker of management')
    expect(files).toContain('src/cron.ts')
    expect(files).not.toContain('src/endpoints/token.ts')
    expect(files).not.toContain('src/browser/browser_app.tsx')
    expect(files.filter((path) => path.startsWith('src/grants/'))).toEqual([])
  })
})

describe('docs/dependencies.md', () => {
  it('the page has the installed and locked version and the licence of each package', () => {
    expect(rows.length).toBeGreaterThan(20)
    // A Node for another machine is not installed here.
    const here = rows.filter(({ name }) => !name.startsWith('node-linux-'))
    expect(here.map(({ name, version, licence }) => [name, version, licence])).toEqual(
      here.map(({ name }) => [name, installed(name).version, installed(name).license]),
    )
    expect(rows.map(({ name, version, licence }) => [name, version, licence])).toEqual(
      rows.map(({ name }) => {
        const entry = locked[folderOf(name)]
        return [name, entry?.version, entry?.license]
      }),
    )
  })

  it('the page has each package that the manifest of a workspace names', () => {
    const named = MANIFESTS.flatMap((path) => {
      const { dependencies, devDependencies, optionalDependencies } = readJson(path)
      return Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
    })
    expect([...new Set(rows.map(({ name }) => name))].sort()).toEqual(
      [...new Set([...named, ...TRANSITIVE])].filter((name) => !name.startsWith('@sallyport/')).sort(),
    )
  })

  it.each(LISTED_BUNDLES)(
    'the page lists each package in the bundle of the %s with its approximate size',
    async (bundle) => {
      const packages = await packagesOf(bundle)
      const listed = new Map(rowsOf(`The ${bundle}`).map(({ name, sizeKiB }) => [name, sizeKiB ?? 0]))
      expect([...listed.keys()].sort()).toEqual([...packages.keys()].sort())
      for (const [name, bytes] of packages) {
        const error = Math.abs((listed.get(name) ?? 0) - bytes / 1024)
        const isRight = error < Math.max(2, bytes / 10_240)
        expect([name, isRight], `${name}: ${bytes / 1024} KiB`).toEqual([name, true])
      }
    },
  )

  it('the Worker of management contains the same packages as the Worker', async () => {
    const [worker, management] = [await packagesOf('Worker'), await packagesOf('Worker of management')]
    expect([...management.keys()].sort()).toEqual([...worker.keys()].sort())
  })

  it('the Worker contains no package with dependencies of its own', () => {
    for (const { name } of rowsOf('The Worker')) {
      expect([name, installed(name).dependencies ?? {}]).toEqual([name, {}])
    }
  })

  it('the page lists the dependencies of each shipped package', () => {
    const shipped = rows.filter(({ section }) => section !== 'For development')
    for (const { name } of shipped) {
      const { dependencies = {} } = installed(name)
      const unlisted = Object.keys(dependencies).filter((needed) => !TRANSITIVE.includes(needed))
      expect([name, unlisted]).toEqual([name, []])
    }
  })
})

describe('a licence', () => {
  it('each shipped package has a permissive licence', () => {
    const shipped = rows.filter(({ section }) => section !== 'For development')
    expect(shipped.filter(({ licence }) => !hasLicence(licence, PERMISSIVE))).toEqual([])
  })

  it('each installed package has a known licence', () => {
    const strange = Object.entries(locked)
      .filter(([path, { link }]) => path !== '' && !link)
      .filter(([path, { license }]) => !hasLicence(license ?? licenceOf(path), ON_THE_MACHINE))
    expect(strange).toEqual([])
  })

  it.each([
    ['MIT', true],
    ['MIT OR Apache-2.0', true],
    ['GPL-3.0-only OR MIT', true],
    ['MIT AND LGPL-3.0-or-later', false],
    ['GPL-3.0-only', false],
    ['MPL-2.0', false],
    ['SEE LICENSE IN LICENSE', false],
    ['', false],
  ])('the test classifies a licence for the Worker: %j', (licence, isAllowed) => {
    expect(hasLicence(licence, PERMISSIVE)).toBe(isAllowed)
  })
})

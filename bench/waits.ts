import { spawnSync } from 'node:child_process'
import { writeSections } from './record.ts'

/**
 * Measures the waits of requests for distant stores, writes the tables of docs/performance.md, and prints them. The time is virtual,
 * so that the tests of the same files get the same figures.
 *
 * @throws Error if a test fails
 */
export function measureWaits(): void {
  writeMeasured('docs/performance.md', ['test/store_waits.test.ts', 'test/places.test.ts'])
}

/** Counts the rows of users in several databases, writes the table of docs/cost.md, and prints it. @throws Error if a test fails */
export function countRowsOfUsers(): void {
  writeMeasured('docs/cost.md', ['test/users/user_databases_rows.test.ts'])
}

/** Writes the tables that tests print into a page. */
function writeMeasured(page: string, files: readonly string[]): void {
  const sections = [...runTests(files).matchAll(/<!-- (\S+) -->\n([\s\S]*?)\n<!-- \/\1 -->/g)]
  writeSections(page, Object.fromEntries(sections.map(([, name, text]) => [name, text ?? ''])))
}

/** @returns the output, which is printed too */
function runTests(files: readonly string[]): string {
  const { stdout, status } = spawnSync('npx', ['vitest', 'run', '--project', 'workerd', ...files], {
    encoding: 'utf8',
    env: { ...process.env, PLACES: 'all' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  console.log(stdout)
  if (status !== 0) throw new Error('a measurement failed')
  return stdout
}

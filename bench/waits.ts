import { execFileSync } from 'node:child_process'

/**
 * Prints how long token requests wait for stores that are far. The time is virtual, so a test measures it exactly, and the
 * same test holds the table of docs/performance.md.
 */
export function measureWaits(): void {
  const file = 'test/store_waits.test.ts'
  execFileSync('npx', ['vitest', 'run', '--project', 'workerd', file], { stdio: 'inherit' })
}

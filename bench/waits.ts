import { execFileSync } from 'node:child_process'

/**
 * Prints the waits of token requests for distant stores. The time is virtual, so a test measures it exactly. The
 * same test checks the table of docs/performance.md.
 */
export function measureWaits(): void {
  const file = 'test/store_waits.test.ts'
  execFileSync('npx', ['vitest', 'run', '--project', 'workerd', file], { stdio: 'inherit' })
}

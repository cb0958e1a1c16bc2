import { unstable_readConfig as readWranglerConfig, type Unstable_Config } from 'wrangler'
import type { Config } from '../src/config/config.ts'
import { BURST_BINDINGS, type Budget, PERIOD_SECONDS } from '../src/storage/burst_limits.ts'

type RateLimits = Unstable_Config['ratelimits']

/** If wrangler.toml and config.yml have different budgets, prints each difference and ends the process. */
export function requireBurstLimits({ burstLimits }: Config): void {
  const { ratelimits } = readWranglerConfig({ config: 'wrangler.toml' })
  const problems = findDifferences(burstLimits, ratelimits)
  if (problems.length === 0) return
  console.error(`config.yml and wrangler.toml differ:\n${problems.map((line) => `  ${line}`).join('\n')}`)
  process.exit(1)
}

function findDifferences(burstLimits: Config['burstLimits'], rateLimits: RateLimits): string[] {
  const budgets = Object.keys(BURST_BINDINGS) as Budget[]
  return budgets.flatMap((budget) => {
    const binding = BURST_BINDINGS[budget]
    const expected = `limit = ${burstLimits[budget]}, period = ${PERIOD_SECONDS}`
    const found = rateLimits.find(({ name }) => name === binding)?.simple
    const actual = found ? `limit = ${found.limit}, period = ${found.period}` : 'missing'
    return actual === expected ? [] : [`burst_limits.${budget}: ${binding} is ${actual}, must be ${expected}`]
  })
}

import type { Config } from '../config/config.ts'
import { Problem } from './problem.ts'

/** The pools of the APIs in config.yml. */
export function poolsOf({ apis }: Pick<Config, 'apis'>): string[] {
  return [...new Set([...apis.values()].map((api) => api.userPool))]
}

interface ConfiguredFilters {
  api?: string | undefined
  pool?: string | undefined
}

/**
 * Refuses a filter by an API or a pool that config.yml does not have, because an empty list would look like a result.
 *
 * @throws Problem 400
 */
export function requireConfigured({ api, pool }: ConfiguredFilters, config: Pick<Config, 'apis'>): void {
  const filters = [
    { path: 'api', value: api, known: [...config.apis.keys()] },
    { path: 'pool', value: pool, known: poolsOf(config) },
  ]
  const errors = filters.flatMap(({ path, value, known }) =>
    value === undefined || known.includes(value)
      ? []
      : [{ path, message: `must be one of ${known.join(', ')}` }],
  )
  if (errors.length > 0) throw new Problem('invalid-query', { errors })
}

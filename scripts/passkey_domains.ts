import * as z from 'zod/mini'
import type { Config } from '../src/config/config.ts'
import { accountsOf } from '../src/config/pool_settings.ts'
import { readWrangler } from './wrangler.ts'

/** The passkeys of a pool with one relying party id. */
export interface PasskeyDomain {
  pool: string
  rpId: string
  count: number
}

const outputSchema = z.array(
  z.object({ results: z.array(z.object({ pool: z.string(), rpId: z.string(), count: z.int() })) }),
)

const SELECT = 'SELECT pool, rp_id AS rpId, count(*) AS "count" FROM passkeys GROUP BY pool, rp_id'

/** Reads the relying party ids of the passkeys in a deployed database. @throws WranglerFailed */
export async function readPasskeyDomains(binding: string): Promise<PasskeyDomain[]> {
  const output = await readWrangler(['d1', 'execute', binding, '--remote', '--json', '--command', SELECT])
  return outputSchema.parse(JSON.parse(output)).flatMap(({ results }) => results)
}

/** Finds the passkeys that config.yml makes unusable, because their pool has another `rp_id`. @returns one line for each pool and id */
export function findUnusablePasskeys(domains: readonly PasskeyDomain[], config: Config): string[] {
  return domains.flatMap(({ pool, rpId, count }) => {
    const current = accountsOf(pool, config).passkeys?.rpId ?? rpId
    if (current === rpId) return []
    return [
      `config.yml: accounts.${pool}.passkeys.rp_id: ${count} passkeys have ${rpId} and do not work with ${current}`,
    ]
  })
}

import { join } from 'node:path'
import type { Config } from '../src/config/config.ts'
import { isLoopback } from '../src/config/origin.ts'
import { openPrivateJwk } from '../src/keys/sealing.ts'
import type { Env } from '../src/services/environment.ts'
import { type DemoClient, seedDemoData } from './demo_data.ts'
import { DEV_VARS, ensureDevVars, hasSealingKey, readSealingKeys } from './dev_vars.ts'
import { LOCAL_STATE, type LocalWorker, migrate, withLocalStores } from './local_stores.ts'
import { stop } from './stop.ts'

/** The token service as `npm start` runs it. */
export const TOKEN_SERVICE: LocalWorker = {
  configPath: 'wrangler.toml',
  statePath: join(LOCAL_STATE, 'state'),
}

const WRONG_KEY = `SEALING_KEY in ${DEV_VARS} is missing, or is not the key of the stored signing keys. Restore the file, or remove all local data: npm run reset`

/**
 * Makes the missing parts of a local token service: secrets, tables, and demo data for a loopback issuer.
 *
 * @param clients Clients in addition to the demo data.
 */
export async function prepareTokenService(
  worker: LocalWorker,
  config: Config,
  clients: readonly DemoClient[] = [],
): Promise<void> {
  await withLocalStores(worker, async (env: Env) => {
    const bindings = new Set(['DB', ...config.sessionShards.map((shard) => shard.binding)])
    for (const binding of bindings) await migrate(requireDatabase(env, binding))
    await requireSealingKey(env.DB)
    ensureDevVars()
    if (isLoopback(config.issuer)) await seedDemoData(env, config, clients)
  })
}

/** Ends the process if .dev.vars does not have the key that sealed the stored signing keys. Each start has the same message. */
async function requireSealingKey(db: D1Database): Promise<void> {
  const { results } = await db
    .prepare('SELECT kid, sealed_private_jwk AS sealed FROM signing_keys')
    .all<{ kid: string; sealed: string }>()
  const [first, ...others] = readSealingKeys()
  if (results.length === 0 && hasSealingKey() && first === undefined) {
    stop(
      `SEALING_KEY in ${DEV_VARS} is not 32 bytes in base64url. Remove the line: npm start writes a new one.`,
    )
  }
  for (const { kid, sealed } of results) {
    if (first === undefined) return stop(WRONG_KEY)
    await openPrivateJwk(kid, sealed, [first, ...others]).catch(() => stop(WRONG_KEY))
  }
}

function requireDatabase(env: Env, binding: string): D1Database {
  const database = new Map(Object.entries(env)).get(binding)
  return database ?? stop(`config.yml: session_shards: wrangler.toml has no D1 binding ${binding}`)
}

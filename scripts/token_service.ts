import { join } from 'node:path'
import type { Config } from '../src/config/config.ts'
import { isLoopback } from '../src/config/origin.ts'
import type { Env } from '../src/services/environment.ts'
import { type DemoClient, seedDemoData } from './demo_data.ts'
import { ensureDevVars } from './dev_vars.ts'
import { LOCAL_STATE, type LocalWorker, migrate, withLocalStores } from './local_stores.ts'
import { stop } from './stop.ts'

/** The token service as `npm start` runs it. */
export const TOKEN_SERVICE: LocalWorker = {
  configPath: 'wrangler.toml',
  statePath: join(LOCAL_STATE, 'state'),
}

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
  const isNewKey = ensureDevVars()
  await withLocalStores(worker, async (env: Env) => {
    const bindings = new Set(['DB', ...config.sessionShards.map((shard) => shard.binding)])
    for (const binding of bindings) await migrate(requireDatabase(env, binding))
    if (isNewKey && (await env.DB.prepare('SELECT 1 FROM signing_keys').first()) !== null) {
      stop(
        '.dev.vars has a new SEALING_KEY, which cannot open the stored signing keys: npm run reset, or restore it',
      )
    }
    if (isLoopback(config.issuer)) await seedDemoData(env, config, clients)
  })
}

function requireDatabase(env: Env, binding: string): D1Database {
  const database = new Map(Object.entries(env)).get(binding)
  return database ?? stop(`config.yml: session_shards: wrangler.toml has no D1 binding ${binding}`)
}

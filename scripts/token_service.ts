import { join } from 'node:path'
import type { Config } from '../src/config/config.ts'
import { isLoopback } from '../src/config/origin.ts'
import { databaseBindings, type Env } from '../src/services/environment.ts'
import { type DemoClient, seedDemoData } from './demo_data.ts'
import { ensureDevVars, findSealingProblem, type SealedKey } from './dev_vars.ts'
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
  await withLocalStores(worker, async (env: Env) => {
    await makeTables(env, config)
    await requireSealingKey(env.DB)
    ensureDevVars()
    if (isLoopback(config.issuer)) await seedDemoData(env, config, clients)
  })
}

/** Makes the missing tables of the local token service. The service must not run at the same time. */
export function prepareTables(worker: LocalWorker, config: Config): Promise<void> {
  return withLocalStores(worker, (env: Env) => makeTables(env, config))
}

async function makeTables(env: Env, config: Config): Promise<void> {
  for (const binding of databaseBindings(config)) await migrate(requireDatabase(env, binding))
}

/** Ends the process if .dev.vars cannot open the stored signing keys. */
async function requireSealingKey(db: D1Database): Promise<void> {
  const { results } = await db
    .prepare('SELECT kid, sealed_private_jwk AS sealed FROM signing_keys')
    .all<SealedKey>()
  const problem = await findSealingProblem(results)
  if (problem !== null) stop(problem)
}

function requireDatabase(env: Env, binding: string): D1Database {
  const database = new Map(Object.entries(env)).get(binding)
  return database ?? stop(`config.yml: wrangler.toml has no D1 binding ${binding}`)
}

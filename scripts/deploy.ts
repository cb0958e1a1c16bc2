import { unstable_readConfig as readWranglerConfig, type Unstable_Config } from 'wrangler'
import type { Config } from '../src/config/config.ts'
import { isLoopback } from '../src/config/origin.ts'
import { requireBurstLimits } from './burst_limits.ts'
import { requireConfig } from './config_file.ts'
import { runWrangler } from './wrangler.ts'

const LOCAL_ID = 'local'

const config = requireConfig()
requireBurstLimits(config)
if (process.argv.includes('--dry-run')) {
  await runWrangler(['deploy', '--dry-run', '--minify', '--outdir', 'dist'])
} else {
  refuseLocalSettings(config)
  const bindings = new Set(['DB', ...config.sessionShards.map((shard) => shard.binding)])
  for (const binding of bindings) await runWrangler(['d1', 'migrations', 'apply', binding, '--remote'])
  await runWrangler(['deploy', '--minify'])
}

/** What is right for a developer's machine and wrong for a real account. */
function refuseLocalSettings(config: Config): void {
  const settings: Unstable_Config = readWranglerConfig({ config: 'wrangler.toml' })
  const { d1_databases, kv_namespaces, workers_dev } = settings
  const problems = [
    new URL(config.issuer).hostname.endsWith('.workers.dev') &&
      !workers_dev &&
      'wrangler.toml: workers_dev: set it to true, since the issuer is an address of workers.dev',
    isLoopback(config.issuer) && 'config.yml: issuer: is a loopback address',
    ...[...config.apis.values()].map(
      (api) => isLoopback(api.audience) && `config.yml: apis.${api.name}.audience: is a loopback address`,
    ),
    d1_databases.some((database) => database.database_id === LOCAL_ID) &&
      'wrangler.toml: d1_databases: database_id: put the id that `npx wrangler d1 create sallyport` prints',
    kv_namespaces.some((namespace) => namespace.id === LOCAL_ID) &&
      'wrangler.toml: kv_namespaces: id: put the id that `npx wrangler kv namespace create sallyport` prints',
  ].filter((problem) => problem !== false)
  if (problems.length === 0) return
  console.error(`Not deployed:\n${problems.map((problem) => `  ${problem}`).join('\n')}`)
  process.exit(1)
}

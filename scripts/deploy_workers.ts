import type { Unstable_Config } from 'wrangler'
import { managementNameOf, writeManagementConfig } from './management_config.ts'
import { readWrangler, runWrangler, WranglerFailed } from './wrangler.ts'

/** Builds both Workers into `dist`, as a deployment does, and uploads nothing. */
export async function buildWorkers(): Promise<void> {
  const management = writeManagementConfig()
  await runWrangler([
    'deploy',
    '--config',
    management,
    '--dry-run',
    '--minify',
    '--outdir',
    'dist/management',
  ])
  await runWrangler(['deploy', '--dry-run', '--minify', '--outdir', 'dist'])
}

/**
 * Uploads both Workers. The token service calls the Worker of management, so that one is uploaded first. At the first deployment the
 * token service has no Durable Objects yet, so the Worker of management is uploaded without them, and again at the end.
 */
export async function deployWorkers(toml: Unstable_Config): Promise<void> {
  const isFirst = toml.durable_objects.bindings.length > 0 && !(await isDeployed(managementNameOf(toml)))
  await deployManagement({ hasObjects: !isFirst })
  await runWrangler(['deploy', '--minify'])
  if (isFirst) await deployManagement({ hasObjects: true })
}

function deployManagement(options: { hasObjects: boolean }): Promise<void> {
  return runWrangler(['deploy', '--config', writeManagementConfig(options), '--minify'])
}

/** Whether the account has a Worker. */
async function isDeployed(name: string | null): Promise<boolean> {
  try {
    await readWrangler(['deployments', 'list', '--name', name ?? '', '--json'])
    return true
  } catch (error) {
    if (!(error instanceof WranglerFailed)) throw error
    return false
  }
}

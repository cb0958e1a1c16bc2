import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { V4ModuleDefinition } from 'miniflare'
import { writeManagementConfig } from './management_config.ts'
import { spawnWrangler } from './wrangler.ts'

/** A bundled Worker, in the form that wrangler uploads. */
export interface Bundle {
  directory: string
  /** The modules. The first one is the entry. */
  modules: V4ModuleDefinition[]
  /** The bundle of the Worker of management; null for another Worker than the service. */
  management: Bundle | null
}

/** The folder of the Worker of management in the bundle of the service. */
const MANAGEMENT_FOLDER = 'management'

/** Bundles both Workers of the service. */
export async function bundleService(directory: string): Promise<Bundle> {
  await bundleWorker(directory)
  await bundleWorker(join(directory, MANAGEMENT_FOLDER), '--config', writeManagementConfig())
  return readBundle(directory)
}

/** @param parameters Options of `wrangler deploy`, such as another entry or `--config`; none for the first Worker of the service. */
export async function bundleWorker(directory: string, ...parameters: string[]): Promise<Bundle> {
  const command = ['deploy', ...parameters, '--dry-run', '--minify', '--outdir', directory]
  const child = spawnWrangler(command, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error('the Worker does not build')
  return readBundle(directory)
}

/** @param directory The output of `bundleService` or `bundleWorker`. */
export function readBundle(directory: string): Bundle {
  const folder = join(directory, MANAGEMENT_FOLDER)
  const management = existsSync(folder) ? readBundle(folder) : null
  return { directory, modules: findModules(directory), management }
}

function findModules(directory: string): V4ModuleDefinition[] {
  const names = readdirSync(directory)
  const ofType = (type: V4ModuleDefinition['type'], ending: string) =>
    names.filter((name) => name.endsWith(ending)).map((name) => ({ type, path: join(directory, name) }))
  return [
    ...ofType('ESModule', '.js'),
    ...ofType('CompiledWasm', '.wasm'),
    ...ofType('Text', '.txt'),
    ...ofType('Text', '.css'),
  ]
}

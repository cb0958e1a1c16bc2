import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { V4ModuleDefinition } from 'miniflare'
import { spawnWrangler } from './wrangler.ts'

/** A bundled Worker, in the form that wrangler uploads. */
export interface Bundle {
  directory: string
  /** The modules. The first one is the entry. */
  modules: V4ModuleDefinition[]
}

/** @param parameters Options of `wrangler deploy`, such as another entry or `--config`; none for the service of wrangler.toml. */
export async function bundleWorker(directory: string, ...parameters: string[]): Promise<Bundle> {
  const command = ['deploy', ...parameters, '--dry-run', '--minify', '--outdir', directory]
  const child = spawnWrangler(command, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error('the Worker does not build')
  return readBundle(directory)
}

/** @param directory The output of `bundleWorker`. */
export function readBundle(directory: string): Bundle {
  return { directory, modules: findModules(directory) }
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

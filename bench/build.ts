import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { V4ModuleDefinition } from 'miniflare'
import { spawnWrangler } from '../scripts/wrangler.ts'

/** A bundled Worker, as wrangler would upload it. */
export interface Bundle {
  directory: string
  /** The entry first. */
  modules: V4ModuleDefinition[]
}

/** @param entry Where it is not that of wrangler.toml. */
export async function bundle(directory: string, ...entry: string[]): Promise<Bundle> {
  const parameters = ['deploy', ...entry, '--dry-run', '--minify', '--outdir', directory]
  const child = spawnWrangler(parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error('the Worker does not build')
  return { directory, modules: findModules(directory) }
}

function findModules(directory: string): V4ModuleDefinition[] {
  const names = readdirSync(directory)
  const ofType = (type: V4ModuleDefinition['type'], ending: string) =>
    names.filter((name) => name.endsWith(ending)).map((name) => ({ type, path: join(directory, name) }))
  return [...ofType('ESModule', '.js'), ...ofType('CompiledWasm', '.wasm'), ...ofType('Text', '.yml')]
}

/** The size of the modules together, as wrangler states it. */
export function measureBundle({ modules }: Bundle): { kib: number; gzippedKib: number } {
  const bytes = Buffer.concat(modules.map(({ path }) => readFileSync(path)))
  return { kib: bytes.length / 1024, gzippedKib: gzipSync(bytes).length / 1024 }
}

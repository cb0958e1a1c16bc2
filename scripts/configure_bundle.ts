import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { formatSettings } from '../src/config/built_settings.ts'
import { parseSettings } from '../src/config/parse_config.ts'
import { type Bundle, readBundle } from './worker_bundle.ts'
import { makeTemporaryDirectory } from './worker_server.ts'

/** A copy of a bundle with other keys of config.yml. */
export function configureBundle({ directory }: Bundle, keys: Record<string, unknown>): Bundle {
  const copied = join(makeTemporaryDirectory(), 'service')
  cpSync(directory, copied, { recursive: true })
  const bundle = readBundle(copied)
  const document = { ...parse(readFileSync('config.yml', 'utf8')), ...keys }
  const settings = formatSettings(parseSettings(stringify(document)))
  for (const { modules } of [bundle, bundle.management ?? []].flat()) {
    writeFileSync(modules.find(({ path }) => path.endsWith('config.txt'))?.path ?? '', settings)
  }
  return bundle
}

import { readFileSync, writeFileSync } from 'node:fs'
import { parse, stringify } from 'yaml'
import type { Bundle } from '../../scripts/worker_bundle.ts'
import { formatSettings } from '../../src/config/built_settings.ts'
import { parseSettings } from '../../src/config/parse_config.ts'

/** Replaces keys of config.yml in a bundle. */
export function configureBundle({ modules }: Bundle, keys: Record<string, unknown>): void {
  const file = modules.find(({ path }) => path.endsWith('config.txt'))?.path ?? ''
  const document = { ...parse(readFileSync('config.yml', 'utf8')), ...keys }
  writeFileSync(file, formatSettings(parseSettings(stringify(document))))
}

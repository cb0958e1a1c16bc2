import { readFileSync } from 'node:fs'
import { type Config, resolveConfig } from '../src/config/config.ts'
import { parseSettings } from '../src/config/parse_config.ts'
import { ConfigError } from '../src/config/read_settings.ts'
import type { Settings } from '../src/config/schema.ts'
import { stop } from './stop.ts'

const FILE = 'config.yml'

/** Reads and checks config.yml. If it is missing or invalid, prints every problem and ends the process. */
export function requireSettings(): Settings {
  try {
    return parseSettings(readConfigText())
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return stop(error.message)
  }
}

/** The configuration that the Worker makes of config.yml. If the file is missing or invalid, prints every problem and ends the process. */
export function requireConfig(options: { localPort?: string } = {}): Config {
  return resolveConfig(requireSettings(), options.localPort)
}

/** Reads the text of config.yml. If that fails, prints the reason and ends the process. */
export function readConfigText(): string {
  try {
    return readFileSync(FILE, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error
    if (code !== 'ENOENT') return stop(`${FILE} cannot be read: ${code}`)
    return stop(`${FILE} is missing in this directory. docs/configuration.md describes the file.`)
  }
}

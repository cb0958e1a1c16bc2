import { readFileSync } from 'node:fs'
import { type Config, ConfigError } from '../src/config/config.ts'
import { parseConfig } from '../src/config/parse_config.ts'

/** Reads and checks config.yml. If it is invalid, prints every problem and ends the process. */
export function requireConfig(options: { localPort?: string } = {}): Config {
  try {
    return parseConfig(readFileSync('config.yml', 'utf8'), options)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(error.message)
    process.exit(1)
  }
}

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseYaml } from '../src/config/parse_config.ts'
import { requireConfig } from './config_file.ts'

// What wrangler runs before it bundles the Worker ([build] in wrangler.toml): config.yml, checked, as JSON.

const OUTPUT = 'dist/config.txt'

requireConfig()
mkdirSync(dirname(OUTPUT), { recursive: true })
// Whole or not at all: another wrangler may read it meanwhile.
writeFileSync(`${OUTPUT}.${process.pid}`, JSON.stringify(parseYaml(readFileSync('config.yml', 'utf8'))))
renameSync(`${OUTPUT}.${process.pid}`, OUTPUT)

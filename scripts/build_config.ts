import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseYaml } from '../src/config/parse_config.ts'
import { requireConfig } from './config_file.ts'

// What wrangler runs before it bundles the Worker ([build] in wrangler.toml): config.yml, checked, as JSON.

const OUTPUT = 'dist/config.txt'

// While `wrangler dev` runs, an edit that breaks the file must not stop the server: it would hold up every request.
if (process.env.WRANGLER_COMMAND === 'dev' && existsSync(OUTPUT)) process.once('exit', keepLast)
requireConfig()
mkdirSync(dirname(OUTPUT), { recursive: true })
// Whole or not at all: another wrangler may read it meanwhile.
writeFileSync(`${OUTPUT}.${process.pid}`, JSON.stringify(parseYaml(readFileSync('config.yml', 'utf8'))))
renameSync(`${OUTPUT}.${process.pid}`, OUTPUT)

function keepLast(code: number): void {
  if (code === 0) return
  console.error('The server goes on with config.yml as it was.')
  process.exitCode = 0
}

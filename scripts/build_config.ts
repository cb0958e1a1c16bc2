import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseYaml } from '../src/config/parse_config.ts'
import { readConfigText, requireConfig } from './config_file.ts'

// Checks config.yml and writes it as JSON. wrangler runs this before it bundles the Worker ([build] in wrangler.toml).

const OUTPUT = 'dist/config.txt'

// During `wrangler dev` an invalid edit must not stop the server, because every request would then wait.
if (process.env.WRANGLER_COMMAND === 'dev' && existsSync(OUTPUT)) process.once('exit', keepLast)
requireConfig()
mkdirSync(dirname(OUTPUT), { recursive: true })
// The rename is atomic: another wrangler can read the file at the same time.
writeFileSync(`${OUTPUT}.${process.pid}`, JSON.stringify(parseYaml(readConfigText())))
renameSync(`${OUTPUT}.${process.pid}`, OUTPUT)

function keepLast(code: number): void {
  if (code === 0) return
  console.error('The server continues with the previous config.yml.')
  process.exitCode = 0
}

import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { formatSettings } from '../src/config/built_settings.ts'
import { requireSettings } from './config_file.ts'
import { DEV_VARS, hasSealingKey } from './dev_vars.ts'
import { writeStaticFiles } from './static_files.ts'

// Checks config.yml and writes the checked values as JSON, and writes the static files. wrangler runs this before it bundles the Worker ([build] in wrangler.toml).

const OUTPUT = 'dist/config.txt'

// During `wrangler dev` an invalid edit must not stop the server, because every request would then wait.
const isDev = process.env.WRANGLER_COMMAND === 'dev'
if (isDev && existsSync(OUTPUT)) process.once('exit', keepLast)
const settings = requireSettings()
if (isDev && !hasSealingKey()) {
  console.error(
    `${DEV_VARS} has no SEALING_KEY, so each request gets 500. npm start makes the key and the tables.`,
  )
}
mkdirSync(dirname(OUTPUT), { recursive: true })
// The rename is atomic: another wrangler can read the file at the same time.
writeFileSync(`${OUTPUT}.${process.pid}`, formatSettings(settings))
renameSync(`${OUTPUT}.${process.pid}`, OUTPUT)
writeStaticFiles()

function keepLast(code: number): void {
  if (code === 0) return
  console.error('The server continues with the previous config.yml.')
  process.exitCode = 0
}

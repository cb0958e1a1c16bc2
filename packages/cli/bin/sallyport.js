#!/usr/bin/env node
// The file exists before the build, so that `npm ci` can link the command.
import { existsSync } from 'node:fs'

const program = new URL('../dist/sallyport.js', import.meta.url)
if (existsSync(program)) await import(program)
else {
  process.stderr.write('sallyport is not built. Run npm ci, without --omit=dev.\n')
  process.exitCode = 1
}

// `npm run build:cli`: the command line in one file, which npm and npx run as a program. JavaScript, so that `npm ci`
// can build with any Node.
import { chmodSync } from 'node:fs'
import { build } from 'esbuild'

const [outfile = 'dist/cli/sallyport.js'] = process.argv.slice(2)
await build({
  entryPoints: ['packages/cli/src/sallyport.ts'],
  outfile,
  bundle: true,
  minify: true,
  // Not `node`, for which yaml has CommonJS alone.
  platform: 'neutral',
  mainFields: ['module', 'main'],
  external: ['node:*', 'crypto', 'stream'],
  format: 'esm',
  target: 'node20',
  banner: { js: '#!/usr/bin/env node' },
  logLevel: 'warning',
})
// npm does so where it makes a link to it, and not where the link is there already.
chmodSync(outfile, 0o755)

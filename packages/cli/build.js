// `npm run build` in this package: bundles the CLI into one file, with its dependencies. The file is JavaScript, so that
// `npm ci` can run it with any Node.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const [outfile = here('dist/sallyport.js')] = process.argv.slice(2)
await build({
  entryPoints: [here('src/sallyport.ts')],
  outfile,
  bundle: true,
  minify: true,
  // The platform `node` would choose the CommonJS build of a dependency.
  platform: 'neutral',
  mainFields: ['module', 'main'],
  external: ['node:*', 'crypto', 'stream'],
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
})

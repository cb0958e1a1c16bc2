// Loaded before each script. JavaScript for any Node, because `npm run build` runs it too.
import { existsSync } from 'node:fs'

if (!['wrangler', 'yaml', 'esbuild'].every((tool) => existsSync(`node_modules/${tool}`))) {
  console.error('The development tools are not installed. Run npm ci, without --omit=dev.')
  process.exit(1)
}

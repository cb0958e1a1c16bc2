// `npm run prepare`, which npm runs after each install. JavaScript, so that it runs with any Node. Where the development
// tools were left out (`npm ci --omit=dev`) there is nothing to build with.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

if (['typescript', 'esbuild'].every((tool) => existsSync(`node_modules/${tool}`))) {
  const { status } = spawnSync('npm run --silent build', { stdio: 'inherit', shell: true })
  process.exitCode = status ?? 1
} else {
  console.log('Not built: the development tools are not installed. `npm ci` installs them.')
}

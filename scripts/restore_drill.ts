import { join } from 'node:path'
import { runDrill } from './run_drill.ts'
import { bundleService } from './worker_bundle.ts'
import { makeTemporaryDirectory } from './worker_server.ts'

// `npm run restore-drill` prints the table of docs/backup.md, which tests compare with it.

const bundle = await bundleService(join(makeTemporaryDirectory(), 'bundle'))
console.log('| token | before | restored | --lost | --end-sessions |\n|---|---|---|---|---|')
for (const { title, accepted } of await runDrill(bundle)) {
  console.log(`| ${[title, ...accepted.map((is) => (is ? 'accepted' : 'refused'))].join(' | ')} |`)
}

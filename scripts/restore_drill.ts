import { join } from 'node:path'
import { runDatabaseDrill } from './database_drill.ts'
import { runDrill } from './run_drill.ts'
import { bundleService } from './worker_bundle.ts'
import { makeTemporaryDirectory } from './worker_server.ts'

// `npm run restore-drill` prints two tables of docs/backup.md, which tests compare with them, and what the repairs found.

const bundle = await bundleService(join(makeTemporaryDirectory(), 'bundle'))
console.log('| token | before | restored | --lost | --end-sessions |\n|---|---|---|---|---|')
for (const { title, accepted } of await runDrill(bundle)) {
  console.log(`| ${[title, ...accepted.map((is) => (is ? 'accepted' : 'refused'))].join(' | ')} |`)
}

const { rows, notes } = await runDatabaseDrill(bundle)
console.log('\n| restored | fact | before | restored | `--lost` | new account |\n|---|---|---|---|---|---|')
for (const { binding, title, states } of rows)
  console.log(`| \`${binding}\` | ${[title, ...states].join(' | ')} |`)
console.log('\nThe repair of each database found:')
for (const lines of Object.values(notes)) console.log(lines.join('\n  '))

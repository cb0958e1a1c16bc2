import { main } from './main.ts'

// A closed standard error loses messages. It must not stop a change or lose a secret.
process.stderr.on('error', () => {})

process.exitCode = await main(process.argv.slice(2))

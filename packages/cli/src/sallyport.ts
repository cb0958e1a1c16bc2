import { main } from './main.ts'

process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  // A reader such as `head` closes the pipe early. This is not an error.
  if (code === 'EPIPE') process.exit(0)
  process.stderr.write(`sallyport: The output is incomplete: standard output failed with ${code}.\n`)
  process.exit(1)
})

process.exitCode = await main(process.argv.slice(2))

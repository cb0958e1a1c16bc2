/** Ends the process with a message for the user of the script. */
export function stop(message: string): never {
  console.error(message)
  process.exit(1)
}

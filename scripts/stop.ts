/** Ends the process with a message for the person who ran it. */
export function stop(message: string): never {
  console.error(message)
  process.exit(1)
}

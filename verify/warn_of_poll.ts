/** Writes to the console that a poll brought no list. */
export function warnOfPoll({ message }: Error): void {
  console.warn(`sallyport/verify: the revocations were not updated: ${message}`)
}

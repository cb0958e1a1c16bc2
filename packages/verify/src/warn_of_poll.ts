/** Writes the error of a failed poll to the console. */
export function warnOfPoll({ message }: Error): void {
  console.warn(`@sallyport/verify: the revocations were not updated: ${message}`)
}

/**
 * Lets a command end its running requests after Ctrl+C, so that no new secret is lost. The second Ctrl+C ends the process.
 *
 * @param onStop Called for the first Ctrl+C.
 */
export function stopOnInterrupt(onStop: () => void): { isStopped(): boolean; release(): void } {
  let isStopped = false
  const onSignal = () => {
    if (isStopped) process.exit(130)
    isStopped = true
    onStop()
  }
  process.on('SIGINT', onSignal)
  return { isStopped: () => isStopped, release: () => process.off('SIGINT', onSignal) }
}

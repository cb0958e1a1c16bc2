const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Finishes a piece of work that must not be left half done, and is interrupted after it, if at all. */
export async function uninterrupted<T>(work: () => Promise<T>): Promise<T> {
  let received: NodeJS.Signals | null = null
  const note = (signal: NodeJS.Signals) => {
    received = signal
  }
  for (const signal of SIGNALS) process.on(signal, note)
  try {
    return await work()
  } finally {
    for (const signal of SIGNALS) process.off(signal, note)
    // Whoever else listens has heard of it.
    if (received !== null && process.listenerCount(received) === 0) process.kill(process.pid, received)
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Runs work to its end. A signal that arrives during the work takes effect after it. */
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
    // Another listener handles the signal itself.
    if (received !== null && process.listenerCount(received) === 0) process.kill(process.pid, received)
  }
}

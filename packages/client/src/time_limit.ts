/** The work did not finish in time. */
export class TimeLimitError extends Error {
  override name = 'TimeLimitError'
}

/**
 * Runs work that can be aborted, and rejects after the limit even if the work ignores its signal. It does not use
 * `AbortSignal.timeout`, because Safari has it only since version 16.
 *
 * The limit has two halves. A frozen tab or stopped process that continues may run its overdue timer before it reads a
 * response that has arrived. The second half leaves time to read it.
 *
 * @throws TimeLimitError, and what the work throws
 */
export async function runWithin<T>(limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const limit = new Promise<never>((_, reject) => {
    const expire = () => {
      reject(new TimeLimitError(`no result within ${limitMs} ms`))
      controller.abort()
    }
    timer = setTimeout(() => {
      timer = setTimeout(expire, limitMs / 2)
    }, limitMs / 2)
  })
  try {
    return await Promise.race([work(controller.signal), limit])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves when the work has succeeded or failed, or when the limit has passed. It never rejects. */
export function settleWithin(limitMs: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, limitMs)
    const settle = () => {
      clearTimeout(timer)
      resolve()
    }
    work.then(settle, settle)
  })
}

/** The result of the work, or the reason of the signal if it aborts first. The work itself continues. */
export function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(reasonOf(signal))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** `AbortSignal.reason` is missing in Safari before 15.4. */
function reasonOf({ reason }: AbortSignal): unknown {
  return reason ?? new DOMException('The request was aborted.', 'AbortError')
}

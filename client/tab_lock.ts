/** What is needed of the Web Locks API. */
interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>
}

export type Exclusively = <T>(work: () => Promise<T>) => Promise<T>

/**
 * Lets one tab at a time work, by the Web Locks API. Where there is none (a page without HTTPS, an old browser), one
 * call of this page at a time: two tabs may then refresh at once, and the server gives both the same successor.
 */
export function tabLock(name: string): Exclusively {
  const locks = (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks
  if (locks) return (work) => locks.request(name, work)
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const next = last.then(work)
    last = next.catch(() => {})
    return next
  }
}

/** The parts of a page that a sign-in by redirect uses. A test can run without them. */
interface Page {
  location: { href: string; assign(url: string): void }
  history: { state: unknown; replaceState(state: unknown, unused: string, url: string): void }
}

const page = globalThis as unknown as Page

export function currentUrl(): string {
  return page.location.href
}

export function leaveFor(url: string): void {
  page.location.assign(url)
}

/** Replaces the URL of the page without loading it. */
export function showAddress(url: string): void {
  page.history.replaceState(page.history.state, '', url)
}

/** An error of a listener reaches the page's `error` event and makes no request fail. Safari has `reportError` since 15.4. */
export function reportUncaught(error: unknown): void {
  if (typeof reportError === 'function') {
    reportError(error)
    return
  }
  setTimeout(() => {
    throw error
  })
}

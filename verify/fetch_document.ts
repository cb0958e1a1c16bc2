/** How documents are fetched. Injected by tests, or by a runtime that routes to the issuer by a binding. */
export type Fetch = (
  url: string,
  init: { headers: Record<string, string>; signal: AbortSignal; redirect?: 'manual' },
) => Promise<Response>

/** An issuer that does not answer by then is taken for unreachable. */
const TIMEOUT_MS = 5000

/** Fetches a document. Anything but a success or a 304 is an error, a redirect too: it may lead to another origin. */
export async function fetchDocument(
  fetch: Fetch,
  url: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'manual' })
  if (!response.ok && response.status !== 304) throw new Error(`${url} answered ${response.status}`)
  return response
}

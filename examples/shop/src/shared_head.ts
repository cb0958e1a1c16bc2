/** The beginning of the head of each page. */
const SHARED_HEAD = `
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <link rel="icon" href="/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="/style.css">`

/** Adds the shared head to a page. Other files stay as they are. */
export function addSharedHead(response: Response): Response {
  const isPage = response.headers.get('Content-Type')?.startsWith('text/html') === true
  if (!isPage || response.status !== 200) return response
  const prepend = { element: (head: Element) => void head.prepend(SHARED_HEAD, { html: true }) }
  const page = new HTMLRewriter().on('head', prepend).transform(response)
  const headers = new Headers(page.headers)
  // The ETag is that of the file, which does not change with the shared head.
  headers.delete('ETag')
  return new Response(page.body, { status: page.status, headers })
}

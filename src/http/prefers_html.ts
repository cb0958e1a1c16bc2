import type { Context } from 'hono'
import { accepts } from 'hono/accepts'

/** Whether the caller prefers HTML, as browsers do. A caller that accepts anything gets JSON. */
export function prefersHtml(c: Context): boolean {
  const [json, html] = ['application/json', 'text/html']
  return accepts(c, { header: 'Accept', supports: [json, html], default: json }) === html
}

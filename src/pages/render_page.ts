import type { Context } from 'hono'
import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type ContentPolicy, formatContentPolicy } from './content_policy.ts'

interface RenderedPage {
  /** The element `html`. */
  document: Child
  policy: ContentPolicy
  status?: number | undefined
}

/** Writes a page and its content security policy. */
export function renderPage(
  c: Context,
  { document, policy, status = 200 }: RenderedPage,
): Response | Promise<Response> {
  c.header('Content-Security-Policy', formatContentPolicy(policy))
  return c.html(html`<!doctype html>${document}`, status as ContentfulStatusCode)
}

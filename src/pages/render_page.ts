import type { Context } from 'hono'
import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type ContentPolicy, formatContentPolicy } from './content_policy.ts'

/** Whether the page shares a browsing context group with pages of other origins. `unsafe-none` is the default of browsers. */
type OpenerPolicy = 'same-origin' | 'same-origin-allow-popups' | 'unsafe-none'

interface RenderedPage {
  /** The element `html`. */
  document: Child
  policy: ContentPolicy
  /** The value of `Cross-Origin-Opener-Policy`. The default is `same-origin`. */
  openerPolicy?: OpenerPolicy
  status?: number | undefined
}

/** Writes a page, its content security policy and its opener policy. */
export function renderPage(
  c: Context,
  { document, policy, openerPolicy = 'same-origin', status = 200 }: RenderedPage,
): Response | Promise<Response> {
  c.header('Content-Security-Policy', formatContentPolicy(policy))
  c.header('Cross-Origin-Opener-Policy', openerPolicy)
  return c.html(html`<!doctype html>${document}`, status as ContentfulStatusCode)
}

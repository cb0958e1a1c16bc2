import { compact } from '../lib/compact.ts'

/** The content of an error page. */
export interface ErrorContent {
  status: number
  title: string
  text: string
  /** Seconds, for the header `Retry-After`. */
  retryAfter?: string
}

/** A refused request. The app responds with an error page. */
export class PageError extends Error {
  override name = 'PageError'
  readonly content: ErrorContent

  constructor(content: ErrorContent) {
    super(content.title)
    this.content = content
  }
}

export const NOT_FOUND: ErrorContent = {
  status: 404,
  title: 'Page not found',
  text: 'The page does not exist, or its content was deleted.',
}
export const METHOD_NOT_ALLOWED: ErrorContent = {
  status: 405,
  title: 'Method not allowed',
  text: 'This address does not accept this kind of request.',
}
export const FORGED: ErrorContent = {
  status: 403,
  title: 'This form was not sent from this site',
  text: 'Nothing was saved. Go back, reload the page, and send the form again.',
}
export const NOT_A_FORM: ErrorContent = {
  status: 415,
  title: 'The request is not a form',
  text: 'Nothing was saved.',
}
export const UNEXPECTED: ErrorContent = {
  status: 500,
  title: 'Internal error',
  text: 'Your change may or may not have been saved. Reload the page to check. The server log has the cause.',
}

/** @param maxBytes The largest form that is accepted. */
export function tooLarge(maxBytes: number): ErrorContent {
  return {
    status: 413,
    title: 'The form is too large',
    text: `A form can have ${maxBytes / 1024} KiB. Nothing was saved.`,
  }
}

/** @param retryAfter Seconds; absent if the time is not known. */
export function unavailable(text: string, retryAfter?: string): ErrorContent {
  return compact({ status: 503, title: 'Service unavailable', text, retryAfter })
}

/** The card of an error page, with a link to the start page. */
export function ErrorCard({
  content,
  home,
}: {
  content: ErrorContent
  home: { href: string; label: string }
}) {
  return (
    <div class="card">
      <p class="soft">Error {content.status}</p>
      <h1>{content.title}</h1>
      <p>{content.text}</p>
      <p>
        <a href={home.href}>{home.label}</a>
      </p>
    </div>
  )
}

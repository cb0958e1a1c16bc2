import { AdminProblem } from './admin_problem.ts'
import { CONSOLE_PATH } from './page.ts'

/** What a user is told in place of a page. */
export interface Trouble {
  status: number
  title: string
  text: string
  retryAfter?: string
}

/** A request that is not answered with a page, for a reason of the console's own. */
export class Refused extends Error {
  override name = 'Refused'
  readonly trouble: Trouble

  constructor(trouble: Trouble) {
    super(trouble.title)
    this.trouble = trouble
  }
}

export const NOT_FOUND: Trouble = {
  status: 404,
  title: 'There is no such page',
  text: 'It may have been deleted, or the address is not right.',
}
export const NOT_ALLOWED: Trouble = {
  status: 403,
  title: 'Your role does not allow this',
  text: 'Somebody with the role admin can do it.',
}
export const FORGED: Trouble = {
  status: 403,
  title: 'This was not sent from the console',
  text: 'Nothing was done. Go back, load the page again, and send it from there.',
}
export const NOT_A_FORM: Trouble = {
  status: 415,
  title: 'This is not a form of the console',
  text: 'Nothing was done.',
}
export const TOO_LARGE: Trouble = {
  status: 413,
  title: 'That is too much at once',
  text: 'A form may have 16 KiB. Nothing was done.',
}
export const UNEXPECTED: Trouble = {
  status: 500,
  title: 'Something went wrong here',
  text: 'The log says what. Nothing more is known of whether it was done: look before you try again.',
}

/** @param retryAfter Seconds. */
export function awayFor(retryAfter: string): Trouble {
  return {
    status: 503,
    title: 'The service cannot be reached now',
    text: 'A store is away. You are still signed in: try again in a moment.',
    retryAfter,
  }
}

/** Whatever was thrown, for a user. Null where it is nothing that was foreseen. */
export function describeTrouble(thrown: Error): Trouble | null {
  if (thrown instanceof Refused) return thrown.trouble
  if (!(thrown instanceof AdminProblem)) return null
  const { status, title, detail, retryAfter } = thrown
  if (status === 503) return awayFor(retryAfter ?? '2')
  if (status === 404) return { ...NOT_FOUND, title: detail ?? NOT_FOUND.title }
  return { status, title, text: detail ?? 'Nothing was done.' }
}

export function TroubleText({ trouble }: { trouble: Trouble }) {
  return (
    <div class="card">
      <p class="soft">{trouble.status}</p>
      <h1>{trouble.title}</h1>
      <p>{trouble.text}</p>
      <p>
        <a href={CONSOLE_PATH}>To the dashboard</a>
      </p>
    </div>
  )
}

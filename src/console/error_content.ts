import { type ErrorContent, NOT_FOUND, PageError, unavailable } from '../pages/page_error.tsx'
import { AdminProblem } from './admin_problem.ts'

/** The action of a page that needs the role admin, by the path of the page. */
const ACTIONS: ReadonlyMap<string, string> = new Map([
  ['/clients/~new', 'create a client'],
  ['/users/new', 'create a user'],
])

/** The user has no role of an operator. */
export const WITHOUT_ROLE: ErrorContent = {
  status: 403,
  title: 'Your account cannot use the console',
  text: 'The console needs an account with the role admin or support. Ask an admin for the role, or use another account.',
}

/** @param path The path of the page, below /console */
export function roleMissing(path: string): ErrorContent {
  return {
    status: 403,
    title: 'Your role does not allow this',
    text: `Only an operator with the role admin can ${ACTIONS.get(path) ?? 'make this change'}.`,
  }
}

/** @param retryAfter Seconds. */
export function storesUnavailable(retryAfter: string): ErrorContent {
  return unavailable(
    'A data store does not respond. You are still signed in. Try again in a moment.',
    retryAfter,
  )
}

/** The error page for an error of a known kind; null for any other error. */
export function findErrorContent(error: Error): ErrorContent | null {
  if (error instanceof PageError) return error.content
  if (!(error instanceof AdminProblem)) return null
  const { status, title, detail, retryAfter } = error
  if (status === 503) return storesUnavailable(retryAfter ?? '2')
  if (status === 404) return { ...NOT_FOUND, title: detail ?? NOT_FOUND.title }
  return { status, title, text: detail ?? 'Nothing was saved.' }
}

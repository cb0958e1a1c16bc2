import type { ProblemCode } from '../admin/problem.ts'

interface ProblemWords {
  title: string
  /** What the operator can do. Null: the detail of the admin API, which is written for an operator of the console too. */
  advice: string | null
}

const FIX_FIELDS = 'Nothing was saved. Fix the fields marked below.'
const RELOAD = 'Nothing was saved. Load the page again, and repeat the change.'

/** The words of the console for each problem. Those of the admin API are for programs: they name headers, paths and codes. */
const WORDS: Readonly<Record<ProblemCode, ProblemWords>> = {
  'malformed-request': { title: 'The form cannot be read', advice: RELOAD },
  'invalid-query': { title: 'The search is not valid', advice: 'Correct the fields, and search again.' },
  unauthenticated: { title: 'Your session has ended', advice: 'Sign in again.' },
  'role-missing': { title: 'Your role does not allow this', advice: null },
  'scope-missing': { title: 'Your role does not allow this', advice: 'Nothing was saved.' },
  'operator-only': { title: 'Only an operator can do this', advice: null },
  'password-change-required': {
    title: 'You must change your password first',
    advice: 'Set a new password on the page Password.',
  },
  'confirmation-required': { title: 'Your own password is required', advice: FIX_FIELDS },
  'wrong-password': { title: 'Your own password is wrong', advice: FIX_FIELDS },
  'not-found': { title: 'The record does not exist', advice: null },
  'method-not-allowed': { title: 'The page does not have this action', advice: RELOAD },
  duplicate: { title: 'The name is taken', advice: FIX_FIELDS },
  'last-admin': { title: 'An enabled admin must remain', advice: null },
  oneself: { title: 'You cannot do this to yourself', advice: null },
  'secret-conflict': { title: 'The secrets of the client do not allow this', advice: null },
  conflict: { title: 'The state of the record does not allow this', advice: null },
  stale: {
    title: 'Another operator saved this record after you opened it',
    advice: 'Nothing was saved. Check the page, and repeat the change.',
  },
  'content-too-large': { title: 'The form is too large', advice: 'Nothing was saved. Shorten the texts.' },
  'unsupported-media-type': { title: 'The form cannot be read', advice: RELOAD },
  'invalid-content': { title: 'The form is not valid', advice: FIX_FIELDS },
  'idempotency-key-reused': {
    title: 'The form was sent before',
    advice:
      'This form was sent before, with other values or before a change of SEALING_KEY. Check whether the client or user exists, then send the form again.',
  },
  'precondition-required': { title: 'The form has no version of the record', advice: RELOAD },
  'too-many-attempts': {
    title: 'There were too many attempts',
    advice: 'Nothing was saved. Try again later.',
  },
  'too-many-requests': { title: 'You searched too often', advice: 'Wait a minute, and try again.' },
  'server-error': {
    title: 'The server met an unexpected condition',
    advice: 'Your change may or may not have been saved. Load the page again to check.',
  },
  'copies-not-renewed': {
    title: 'The change is saved, but is not used everywhere yet',
    advice:
      'Refreshes use the change now, other requests for tokens within 5 s, and preflights within an hour. Repeat the change to shorten this time.',
  },
  unavailable: {
    title: 'The service is not available now',
    advice: 'Your change was not saved. Try again in a moment.',
  },
}

const BY_CODE: ReadonlyMap<string, ProblemWords> = new Map(Object.entries(WORDS))

/** The words for a problem; null for a code that the console does not know. */
export function findProblemWords(code: string): ProblemWords | null {
  return BY_CODE.get(code) ?? null
}

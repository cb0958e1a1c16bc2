import type { Context } from 'hono'
import { encodeUtf8, equalInConstantTime, randomId } from '../lib/bytes.ts'
import type { Form } from './form.ts'
import { FORGED, PageError } from './page_error.tsx'
import { readForm } from './read_form.ts'

/** The hidden field of each form that changes data. */
export const CSRF_FIELD = 'csrf_token'

const CSRF_BYTES = 24

export function newCsrfToken(): string {
  return randomId(CSRF_BYTES)
}

/** Reads a posted form that must contain the token. @throws PageError 403, 415 */
export async function readProtectedForm(c: Context, csrfToken: string): Promise<Form> {
  const form = await readForm(c)
  if (!hasCsrfToken(form, csrfToken)) throw new PageError(FORGED)
  return form
}

export function hasCsrfToken(form: Form, csrfToken: string): boolean {
  return equalInConstantTime(encodeUtf8(form.text(CSRF_FIELD)), encodeUtf8(csrfToken))
}

import type { Context } from 'hono'
import { decodeUtf8 } from '../lib/bytes.ts'
import { Form } from './form.ts'
import { NOT_A_FORM, PageError } from './page_error.tsx'

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-?8"?\s*)?$/i

/** Reads a posted form. @throws PageError 415 */
export async function readForm(c: Context): Promise<Form> {
  if (!FORM_TYPE.test(c.req.header('Content-Type') ?? '')) throw new PageError(NOT_A_FORM)
  const text = decodeUtf8(await c.req.arrayBuffer())
  if (text === null) throw new PageError(NOT_A_FORM)
  return new Form(new URLSearchParams(text))
}

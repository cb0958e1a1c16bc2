import type { Context } from 'hono'
import { mediaTypeOf } from '../http/media_type.ts'
import { decodeUtf8 } from '../lib/bytes.ts'
import { Form } from './form.ts'
import { NOT_A_FORM, PageError } from './page_error.tsx'

/** Reads a posted form. @throws PageError 415 */
export async function readForm(c: Context): Promise<Form> {
  if (mediaTypeOf(c.req.raw.headers) !== 'application/x-www-form-urlencoded') throw new PageError(NOT_A_FORM)
  const text = decodeUtf8(await c.req.arrayBuffer())
  if (text === null) throw new PageError(NOT_A_FORM)
  return new Form(new URLSearchParams(text))
}

import type { Context } from 'hono'
import { decodeJwt } from 'jose'
import * as z from 'zod/mini'
import type { TextSealer } from '../keys/text_sealer.ts'
import { CSRF_FIELD } from '../pages/csrf.ts'
import type { Form } from '../pages/form.ts'
import { SealedCookie } from '../pages/sealed_cookie.ts'
import { OWN_PASSWORD_FIELD } from './admin_problem.ts'
import { CONSOLE_PATH } from './console_path.ts'
import type { ConsoleSession } from './console_session.ts'

const MAX_AGE_SECONDS = 3600
const LEFT_OUT: readonly string[] = [
  CSRF_FIELD,
  OWN_PASSWORD_FIELD,
  'password',
  'repeated',
  'current_password',
]

/** The typed values of a form, without passwords and the CSRF token. */
export function fieldsWithoutSecrets(form: Form): [name: string, value: string][] {
  return form.entries().filter(([name]) => !LEFT_OUT.includes(name))
}

const keptSchema = z.object({
  /** The operator who typed the form. */
  subject: z.string(),
  path: z.string(),
  fields: z.array(z.tuple([z.string(), z.string()])),
  /** Unix seconds. */
  at: z.int(),
})
export type KeptForm = z.output<typeof keptSchema>

/** The author of a form: the operator, and the CSRF token of the session in which the page was shown. */
const authorSchema = z.object({ subject: z.string(), csrfToken: z.string() })
export type FormAuthor = z.output<typeof authorSchema>

/** The author of the forms of a session. */
export function authorOf({ accessToken, csrfToken }: ConsoleSession): FormAuthor {
  return { subject: decodeJwt(accessToken).sub ?? '', csrfToken }
}

/** Keeps a posted form whose session has ended in a cookie, without passwords, for the next sign-in of the same operator. */
export class KeptForms {
  readonly #cookie: SealedCookie<KeptForm>
  readonly #signedOut: SealedCookie<FormAuthor>

  constructor(sealer: TextSealer, issuer: string) {
    this.#cookie = new SealedCookie(sealer, issuer, {
      name: 'sallyport-console-form',
      path: CONSOLE_PATH,
      sameSite: 'Strict',
      schema: keptSchema,
    })
    this.#signedOut = new SealedCookie(sealer, issuer, {
      name: 'sallyport-console-signed-out',
      path: CONSOLE_PATH,
      sameSite: 'Strict',
      schema: authorSchema,
    })
  }

  /** Remembers the operator of a session that ends by a sign-out. Another tab can still have a form of the session. */
  rememberSignedOut(c: Context, session: ConsoleSession): Promise<void> {
    return this.#signedOut.write(c, authorOf(session), MAX_AGE_SECONDS)
  }

  /** The operator of the session that ended by a sign-out in this browser; null without one. */
  findSignedOut(c: Context): Promise<FormAuthor | null> {
    return this.#signedOut.read(c)
  }

  /** Keeps a form, unless it is too long for a cookie. @param author The author whose CSRF token the form had. */
  async keep(
    c: Context,
    form: Form,
    { author: { subject }, now }: { author: FormAuthor; now: number },
  ): Promise<void> {
    const { pathname: path } = new URL(c.req.url)
    const fields = fieldsWithoutSecrets(form)
    const isKept = await this.#cookie.tryWrite(c, { subject, path, fields, at: now }, MAX_AGE_SECONDS)
    if (!isKept) this.#cookie.clear(c)
  }

  /** The kept form of this operator; null if it is too old, or if another operator typed it. */
  async find(c: Context, { operatorId, now }: { operatorId: string; now: number }): Promise<KeptForm | null> {
    const kept = await this.#cookie.read(c)
    return kept !== null && kept.subject === operatorId && now - kept.at <= MAX_AGE_SECONDS ? kept : null
  }
}

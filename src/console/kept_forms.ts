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
  ...[CSRF_FIELD, OWN_PASSWORD_FIELD, 'password', 'repeated', 'current_password'],
]

const keptSchema = z.object({
  /** The operator who typed the form. */
  subject: z.string(),
  path: z.string(),
  fields: z.array(z.tuple([z.string(), z.string()])),
  /** Unix seconds. */
  at: z.int(),
})
export type KeptForm = z.output<typeof keptSchema>

/** Keeps a posted form whose session has ended in a cookie, without passwords, for the next sign-in of the same operator. */
export class KeptForms {
  readonly #cookie: SealedCookie<KeptForm>

  constructor(sealer: TextSealer, issuer: string) {
    this.#cookie = new SealedCookie(sealer, issuer, {
      name: 'sallyport-console-form',
      path: CONSOLE_PATH,
      sameSite: 'Strict',
      schema: keptSchema,
    })
  }

  /** Keeps a form, unless it is too long for a cookie. @param session The session whose CSRF token the form had. */
  async keep(
    c: Context,
    form: Form,
    { path, session, now }: { path: string; session: ConsoleSession; now: number },
  ): Promise<void> {
    const subject = decodeJwt(session.accessToken).sub ?? ''
    const fields = form.entries().filter(([name]) => !LEFT_OUT.includes(name))
    const isKept = await this.#cookie.tryWrite(c, { subject, path, fields, at: now }, MAX_AGE_SECONDS)
    if (!isKept) this.#cookie.clear(c)
  }

  /** The kept form of this operator; null if it is too old, or if another operator typed it. */
  async find(c: Context, { operatorId, now }: { operatorId: string; now: number }): Promise<KeptForm | null> {
    const kept = await this.#cookie.read(c)
    return kept !== null && kept.subject === operatorId && now - kept.at <= MAX_AGE_SECONDS ? kept : null
  }
}

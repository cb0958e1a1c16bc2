import type { Context } from 'hono'
import * as z from 'zod/mini'
import { decodeUtf8, encodeUtf8, equalInConstantTime } from '../lib/bytes.ts'
import { AdminClient } from './admin_client.ts'
import { AdminProblem } from './admin_problem.ts'
import type { ConsoleSession, SessionCookie } from './console_session.ts'
import { awayFor, FORGED, NOT_A_FORM, Refused } from './error_page.tsx'
import { CSRF_FIELD } from './fields.tsx'
import { Form } from './form.ts'
import type { ConsoleOperator } from './page.ts'
import type { Server } from './server.ts'
import type { TokenClient } from './token_client.ts'

/** How long before its end an access token is replaced: longer than a page takes. */
const REFRESH_AHEAD_SECONDS = 60

const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;\s*charset="?utf-?8"?\s*)?$/i

const ME = '/me'
const meSchema = z.object({
  id: z.string(),
  username: z.string(),
  roles: z.array(z.string()),
  must_change_password: z.boolean(),
  password_breached: z.boolean(),
  sid: z.string(),
})

/** Nobody is signed in, or not any more. */
export class SignInNeeded extends Error {
  override name = 'SignInNeeded'
  /** Whether somebody was. */
  readonly isOver: boolean

  constructor({ isOver }: { isOver: boolean }) {
    super(isOver ? 'the session is over' : 'nobody is signed in')
    this.isOver = isOver
  }
}

/** A session that is live, as a page needs it. */
export interface OperatorSession {
  admin: AdminClient
  operator: ConsoleOperator
}

interface Dependencies {
  cookie: SessionCookie
  tokens: TokenClient
  server: Server
  issuer: string
}

/** Who comes in, and with what. */
export class SessionLoader {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** What the browser holds, whether it is live or not. @throws SignInNeeded */
  async requireSession(c: Context): Promise<ConsoleSession> {
    const session = await this.#dependencies.cookie.read(c)
    if (session === null) throw new SignInNeeded({ isOver: c.req.method === 'POST' })
    return session
  }

  /**
   * The admin API, and the operator as it has them at this moment. An access token that has ended before its time is
   * replaced once: the operator may have lost a role.
   *
   * @throws SignInNeeded, Refused, AdminProblem
   */
  async open(c: Context, session: ConsoleSession, now: number): Promise<OperatorSession> {
    const isOld = session.expiresAt - now <= REFRESH_AHEAD_SECONDS
    const live = isOld ? await this.#refresh(c, session, now) : session
    try {
      return await this.#read(c, live)
    } catch (error) {
      if (isOld || !(error instanceof AdminProblem && error.status === 401)) throw error
      return this.#read(c, await this.#refresh(c, live, now))
    }
  }

  async #read(c: Context, session: ConsoleSession): Promise<OperatorSession> {
    const admin = this.adminOf(c, session)
    return { admin, operator: await readOperator(admin) }
  }

  /** @throws SignInNeeded, Refused */
  async #refresh(c: Context, session: ConsoleSession, now: number): Promise<ConsoleSession> {
    const { cookie, tokens } = this.#dependencies
    const outcome = await tokens.refresh(c, session, now)
    if (outcome.kind === 'wait') throw new Refused(awayFor(String(outcome.retryAfterSeconds)))
    if (outcome.kind !== 'session') throw new SignInNeeded({ isOver: true })
    await cookie.write(c, outcome.session)
    return outcome.session
  }

  adminOf(c: Context, { accessToken }: ConsoleSession): AdminClient {
    const { server, issuer } = this.#dependencies
    return new AdminClient(server, c, { issuer, accessToken })
  }
}

/** What was posted by a page of this session. @throws Refused */
export async function readPostedForm(c: Context, { csrfToken }: ConsoleSession): Promise<Form> {
  const form = await readForm(c)
  if (!equalInConstantTime(encodeUtf8(form.text(CSRF_FIELD)), encodeUtf8(csrfToken)))
    throw new Refused(FORGED)
  return form
}

/** @throws Refused */
export async function readForm(c: Context): Promise<Form> {
  if (!FORM_TYPE.test(c.req.header('Content-Type') ?? '')) throw new Refused(NOT_A_FORM)
  const text = decodeUtf8(await c.req.arrayBuffer())
  if (text === null) throw new Refused(NOT_A_FORM)
  return new Form(new URLSearchParams(text))
}

/** Who is signed in, as the admin API has them at this moment. @throws AdminProblem */
export async function readOperator(admin: AdminClient): Promise<ConsoleOperator> {
  const {
    id,
    username,
    roles,
    must_change_password: mustChangePassword,
    password_breached: passwordBreached,
    sid,
  } = await admin.read(ME, meSchema)
  return { id, username, isAdmin: roles.includes('admin'), mustChangePassword, passwordBreached, sid }
}

/** Whether the operator has lost every role, or never had one. */
export function isWithoutRole(error: unknown): boolean {
  return error instanceof AdminProblem && error.code === 'role-missing' && error.path === ME
}

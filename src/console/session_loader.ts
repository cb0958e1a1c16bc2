import type { Context } from 'hono'
import * as z from 'zod/mini'
import { PageError } from '../pages/page_error.tsx'
import { AdminClient } from './admin_client.ts'
import { AdminProblem } from './admin_problem.ts'
import type { ConsoleSession, SessionCookie } from './console_session.ts'
import { storesUnavailable } from './error_content.ts'
import type { ConsoleOperator } from './page.ts'
import type { Server } from './server.ts'
import type { TokenClient } from './token_client.ts'

/** The console refreshes an access token before it expires. This time is longer than a page needs. */
const REFRESH_AHEAD_SECONDS = 60

const ME = '/me'
const meSchema = z.object({
  id: z.string(),
  username: z.string(),
  roles: z.array(z.string()),
  must_change_password: z.boolean(),
  password_breached: z.boolean(),
  sid: z.string(),
})

/** The request has no live session. */
export class SignInNeeded extends Error {
  override name = 'SignInNeeded'
  /** Whether the browser had a session before. */
  readonly hasEnded: boolean

  constructor({ hasEnded }: { hasEnded: boolean }) {
    super(hasEnded ? 'the session has ended' : 'the request has no session')
    this.hasEnded = hasEnded
  }
}

/** A live session: the client of the admin API with its access token, and its operator. */
export interface OperatorSession {
  admin: AdminClient
  operator: ConsoleOperator
}

/** The operator of a request, and the CSRF token of the session. */
interface SignedIn {
  operator: ConsoleOperator
  csrfToken: string
}

interface Dependencies {
  cookie: SessionCookie
  tokens: TokenClient
  server: Server
  issuer: string
}

/** Loads and refreshes the session of an operator. */
export class SessionLoader {
  readonly #dependencies: Dependencies
  /** The operators of the requests that are being handled. */
  readonly #signedIn = new WeakMap<Context, SignedIn>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** The session in the cookie. It may have ended on the server. @throws SignInNeeded */
  async requireSession(c: Context): Promise<ConsoleSession> {
    const session = await this.#dependencies.cookie.read(c)
    if (session === null) throw new SignInNeeded({ hasEnded: false })
    return session
  }

  /**
   * Loads the operator of the session from the admin API. If the API refuses an access token that has not expired, the console
   * refreshes it once, because the operator may have lost a role.
   *
   * @throws SignInNeeded, PageError, AdminProblem
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

  /**
   * The operator of a failed request; null if the request has no live session.
   *
   * @param mayRead Whether an operator that is not known yet is read from the server.
   */
  async findSignedIn(
    c: Context,
    { now, mayRead }: { now: number; mayRead: boolean },
  ): Promise<SignedIn | null> {
    const known = this.#signedIn.get(c) ?? null
    if (known !== null || !mayRead) return known
    try {
      const session = await this.requireSession(c)
      const { operator } = await this.open(c, session, now)
      return { operator, csrfToken: session.csrfToken }
    } catch {
      return null
    }
  }

  async #read(c: Context, session: ConsoleSession): Promise<OperatorSession> {
    const admin = this.adminOf(c, session)
    const operator = await readOperator(admin)
    this.#signedIn.set(c, { operator, csrfToken: session.csrfToken })
    return { admin, operator }
  }

  /** @throws SignInNeeded, PageError */
  async #refresh(c: Context, session: ConsoleSession, now: number): Promise<ConsoleSession> {
    const { cookie, tokens } = this.#dependencies
    const outcome = await tokens.refresh(c, session, now)
    if (outcome.kind === 'wait') throw new PageError(storesUnavailable(String(outcome.retryAfterSeconds)))
    if (outcome.kind !== 'session') throw new SignInNeeded({ hasEnded: true })
    await cookie.write(c, outcome.session)
    return outcome.session
  }

  adminOf(c: Context, { accessToken }: ConsoleSession): AdminClient {
    const { server, issuer } = this.#dependencies
    return new AdminClient(server, c, { issuer, accessToken })
  }
}

/** Reads the current operator from the admin API. @throws AdminProblem */
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

/** Whether the session of the request has ended. */
export function isSignInNeeded(error: unknown): boolean {
  return error instanceof SignInNeeded || (error instanceof AdminProblem && error.status === 401)
}

/** Whether the admin API refused the operator because the user has no role. */
export function isWithoutRole(error: unknown): boolean {
  return error instanceof AdminProblem && error.code === 'role-missing' && error.path === ME
}

import { type Context, Hono } from 'hono'
import { readProtectedForm } from '../pages/csrf.ts'
import type { Form } from '../pages/form.ts'
import { readForm } from '../pages/read_form.ts'
import { AdminProblem } from './admin_problem.ts'
import { CONSOLE_PATH } from './console_path.ts'
import type { ConsoleServices } from './console_services.ts'
import { KEPT_FIELD, openKeptForm, SendAgain } from './kept_form.tsx'
import type { ConsoleOperator } from './page.ts'
import { showCard, showPage } from './respond.tsx'
import { isWithoutRole, readOperator } from './session_loader.ts'
import { readNext, SignIn } from './sign_in_page.tsx'
import type { Refusal } from './token_client.ts'

const TITLE = 'Sign in'

/** The routes of sign-in and sign-out. */
export function signInRoutes(services: ConsoleServices): Hono {
  const app = new Hono()
  app.get('/sign-in', (c) => {
    const { next = '', reason = '' } = c.req.query()
    return showCard(c, { title: TITLE, body: <SignIn next={readNext(next)} reason={reason} /> }, services)
  })
  app.post('/sign-in', (c) => signIn(c, services))
  app.post('/sign-out', (c) => signOut(c, services))
  return app
}

async function signIn(c: Context, services: ConsoleServices): Promise<Response> {
  const form = await readForm(c)
  const credentials = { username: form.text('username'), password: form.text('password') }
  const now = services.clock.now()
  const outcome = await services.tokens.signIn(c, credentials, now)
  if (outcome.kind !== 'session') return showRefusal(c, form, outcome, services)
  const { session } = outcome
  let operator: ConsoleOperator
  try {
    operator = await readOperator(services.sessionLoader.adminOf(c, session))
  } catch (error) {
    const refusal = judgeRefusedTokens(error)
    if (refusal === null) throw error
    await services.tokens.signOut(c, session)
    return showRefusal(c, form, refusal, services)
  }
  await services.cookie.write(c, session)
  const owner = { operatorId: operator.id, now }
  const kept = await openKeptForm(form.text(KEPT_FIELD), owner, services.sealer)
  if (kept === null) return c.redirect(readNext(form.text('next')), 303)
  const { csrfToken } = session
  const body = <SendAgain kept={kept} csrf={csrfToken} />
  return showPage(c, { title: 'Send the form again', body, operator, csrfToken }, services)
}

/** The reason why the admin API refuses tokens that were just issued; null for another error. */
function judgeRefusedTokens(error: unknown): Refusal | null {
  if (isWithoutRole(error)) return { kind: 'refused' }
  // The admin API responds with 401 if the client of the console belongs to another API.
  return error instanceof AdminProblem && error.status === 401 ? { kind: 'not_set_up' } : null
}

async function signOut(c: Context, services: ConsoleServices): Promise<Response> {
  const session = await services.sessionLoader.requireSession(c)
  await readProtectedForm(c, session.csrfToken)
  const isEnded = await services.tokens.signOut(c, session)
  services.cookie.clear(c)
  return c.redirect(`${CONSOLE_PATH}/sign-in?reason=${isEnded ? 'signed-out' : 'signed-out-here'}`, 303)
}

function showRefusal(c: Context, form: Form, refusal: Refusal, services: ConsoleServices): Promise<Response> {
  const status = { refused: 401, not_set_up: 503, wait: 503 }[refusal.kind]
  if (refusal.kind === 'wait') c.header('Retry-After', String(refusal.retryAfterSeconds))
  const body = (
    <SignIn typed={form} next={readNext(form.text('next'))} refusal={refusal} kept={form.text(KEPT_FIELD)} />
  )
  return showCard(
    c,
    { title: TITLE, body, status: refusal.kind === 'wait' ? refusal.status : status },
    services,
  )
}

import type { Context } from 'hono'
import * as z from 'zod/mini'
import type { Texts } from '../pages/languages/en.ts'
import { signInProblemSchema } from '../signin/sign_in_problem.ts'
import type { AccountRequest, UserRequest } from './account_request.ts'

/** The notices after a change, by the names of their texts. */
export type Notice = keyof Texts['accountPage']['notices']

/** The time for which a form and the URL of a page with a notice are valid, in seconds. */
const VALID_SECONDS = 1800

/** The parameter with the sealed result of a form. */
const STATE_PARAMETER = 'page_state'

/** A form or a URL belongs to one page, one browser and one user. */
const bindingSchema = z.object({
  page: z.string(),
  /** The id of the cookie that binds forms to the browser. */
  formId: z.string(),
  subject: z.string(),
  sealedAt: z.int(),
})
type Binding = z.output<typeof bindingSchema>

const stateSchema = z.object({
  kind: z.literal('state'),
  binding: bindingSchema,
  notice: z.nullable(z.string()),
  problem: z.nullable(signInProblemSchema),
  /** The typed texts of a refused form, never a password. After an accepted form, the values that the page shows. */
  typed: z.record(z.string(), z.string()),
})
/** The result of the form of a page, which its URL shows. */
export type PageState = Omit<z.output<typeof stateSchema>, 'kind' | 'binding'>

const ticketSchema = z.object({ kind: z.literal('ticket'), binding: bindingSchema })

const NO_STATE: PageState = { notice: null, problem: null, typed: {} }

async function bind(page: string, { c, signedIn, context, services }: UserRequest): Promise<Binding> {
  const formId = await services.cookies.requireFormId(c)
  return { page, formId, subject: signedIn.user.id, sealedAt: context.now }
}

/** Seals the hidden field of the forms of a page. */
export async function sealTicket(page: string, request: UserRequest): Promise<string> {
  return request.services.accountSealer.sealValue({ kind: 'ticket', binding: await bind(page, request) })
}

/** Opens the ticket of a form; null for a text that is no ticket of the page. It may have expired. */
export async function openTicket(
  sealed: string,
  page: string,
  { services }: AccountRequest,
): Promise<Binding | null> {
  const ticket = await services.accountSealer.openValue(sealed, ticketSchema)
  return ticket?.binding.page === page ? ticket.binding : null
}

/** Why a form of this binding is not accepted; null if it is. */
export async function findBindingProblem(
  { formId, subject, sealedAt }: Binding,
  { c, signedIn, context, services }: UserRequest,
): Promise<PageState['problem']> {
  const known = await services.cookies.readFormId(c)
  if (known === null) return { kind: 'no_cookie' }
  if (known !== formId) return { kind: 'other_browser' }
  if (subject !== signedIn.user.id) return { kind: 'other_session' }
  return sealedAt + VALID_SECONDS <= context.now ? { kind: 'expired_form' } : null
}

/** The query of the URL that shows the result of a form. */
export async function sealPageState(
  page: string,
  state: Partial<PageState>,
  request: UserRequest,
): Promise<string> {
  const content = { kind: 'state', binding: await bind(page, request), ...NO_STATE, ...state }
  const sealed = await request.services.accountSealer.sealValue(content)
  return new URLSearchParams({ [STATE_PARAMETER]: sealed }).toString()
}

/** The result in the URL of a page; an empty one for the URL of another browser, user or time. */
export async function openPageState(page: string, request: UserRequest): Promise<PageState> {
  const sealed = parameterOf(request.c)
  if (sealed === undefined) return NO_STATE
  const opened = await request.services.accountSealer.openValue(sealed, stateSchema)
  if (opened?.binding.page !== page) return NO_STATE
  return (await findBindingProblem(opened.binding, request)) === null ? opened : NO_STATE
}

function parameterOf(c: Context): string | undefined {
  return c.req.query(STATE_PARAMETER)
}

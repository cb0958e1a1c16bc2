import * as z from 'zod/mini'
import { startedSignUpSchema } from '../accounts/started_sign_up.ts'
import { authorizationRequestSchema } from '../authorization/authorization_request.ts'
import type { TextSealer } from '../keys/text_sealer.ts'
import { requestedCodeSchema } from '../signin/mailed_codes.ts'
import { SIGN_UP_STEPS, STEPS } from '../signin/next_step.ts'
import { pendingSchema, sealPending } from '../signin/pending_sign_in.ts'
import type { Situation } from './situation.ts'

/** The hidden field of each form. */
export const TICKET_FIELD = 'ticket'

const TICKET_SECONDS = 1800

export const ticketSchema = z.object({
  request: authorizationRequestSchema,
  /** The id of the cookie that binds the form to the browser. */
  formId: z.string(),
  /** The browser session at the time of the page; null without a session. */
  browserId: z.nullable(z.string()),
  /** The page of the form. The server does not accept the form for another page. */
  step: z.enum(STEPS),
  /** Whether the user chose the account of that browser session for this request. */
  isAccountChosen: z.boolean(),
  /** The sign-in that needs a second factor; null without one. A form of the version before has none. */
  pending: z._default(z.nullable(pendingSchema), null),
  /** The code that the user has requested by mail; null without one. A form of the version before has none. */
  requestedCode: z._default(z.nullable(requestedCodeSchema), null),
  /** The sign-up of a visitor; null without one. A form of the version before has none. */
  signUp: z._default(
    z.nullable(z.object({ step: z.enum(SIGN_UP_STEPS), started: z.nullable(startedSignUpSchema) })),
    null,
  ),
  /** The token of the code that was sent as the second factor; null without one. A form of the version before has none. */
  secondFactorCode: z._default(z.nullable(z.string()), null),
  /** Whether the device of the browser can have a passkey. A form of the version before has none. */
  canHavePasskey: z._default(z.boolean(), false),
  /** Whether the sign-in offers a passkey. A form of the version before has none. */
  offersPasskey: z._default(z.boolean(), false),
  sealedAt: z.int(),
})

/** The sealed content of a form: the request, the browser, and the browser session that the page showed. */
export type FormTicket = z.output<typeof ticketSchema>

/** The state of the form of a page. */
export function makeTicket(
  { formId, step }: Pick<FormTicket, 'formId' | 'step'>,
  { browserRequest, signedIn, pending, known, ...inputs }: Situation,
): FormTicket {
  const { request, context } = browserRequest
  const { requestedCode, secondFactorCode, signUp, canHavePasskey } = inputs
  const browserId = signedIn?.session.id ?? null
  const own = pending === null ? null : sealPending(pending)
  const state = {
    formId,
    browserId,
    step,
    isAccountChosen: known.account.isChosen,
    pending: own,
    requestedCode: known.awaitsEmailCode ? requestedCode : null,
    signUp: known.signUp === null ? null : { step: known.signUp, started: signUp },
    secondFactorCode,
    canHavePasskey,
    offersPasskey: known.offersPasskey,
  }
  return { request, ...state, sealedAt: context.now }
}

export function sealTicket(ticket: FormTicket, sealer: TextSealer): Promise<string> {
  return sealer.sealValue(ticket)
}

/** Opens a ticket of this server, which may have expired; null for another text. */
export function openTicket(sealed: string, sealer: TextSealer): Promise<FormTicket | null> {
  return sealer.openValue(sealed, ticketSchema)
}

/** Whether the page of the ticket is too old. @param now Unix seconds. */
export function hasExpired({ sealedAt }: FormTicket, now: number): boolean {
  return sealedAt + TICKET_SECONDS <= now
}

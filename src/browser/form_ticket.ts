import * as z from 'zod/mini'
import {
  type AuthorizationRequest,
  authorizationRequestSchema,
} from '../authorization/authorization_request.ts'
import type { TextSealer } from '../keys/text_sealer.ts'

/** The hidden field of each form. */
export const TICKET_FIELD = 'ticket'

const TICKET_SECONDS = 1800

const ticketSchema = z.object({
  request: authorizationRequestSchema,
  /** The id of the cookie that binds the form to the browser. */
  formId: z.string(),
  /** The browser session at the time of the page; null without a session. */
  browserId: z.nullable(z.string()),
  sealedAt: z.int(),
})

/** What a form carries sealed: the request, the browser, and the browser session that the page showed. */
export type FormTicket = z.output<typeof ticketSchema>

export function sealTicket(ticket: FormTicket, sealer: TextSealer): Promise<string> {
  return sealer.seal(JSON.stringify(ticket))
}

/** A ticket of this server; null for another text. `hasExpired`: the page is too old. @param now Unix seconds. */
export async function openTicket(
  sealed: string,
  sealer: TextSealer,
  now: number,
): Promise<{ ticket: FormTicket; request: AuthorizationRequest; hasExpired: boolean } | null> {
  const text = await sealer.open(sealed)
  const result = text === null ? null : ticketSchema.safeParse(JSON.parse(text))
  if (!result?.success) return null
  const { data: ticket } = result
  return { ticket, request: ticket.request, hasExpired: ticket.sealedAt + TICKET_SECONDS <= now }
}

import type { Context } from 'hono'
import type { BrowserServices } from './browser_services.ts'
import { makeTicket } from './form_ticket.ts'
import { KEPT_FIELDS, pageUrlOf, sealPageLink } from './page_link.ts'
import type { StepView } from './show_step.tsx'
import type { Situation } from './situation.ts'

/**
 * Sends the browser from a form to the URL of the next page. So the history has no response to a POST, which a browser shows again
 * only after a warning.
 */
export async function goToPage(
  c: Context,
  { step, problem, typed }: StepView,
  situation: Situation,
  services: BrowserServices,
): Promise<Response> {
  const formId = await services.cookies.requireFormId(c)
  const ticket = makeTicket({ formId, step }, situation)
  const [username = '', name = ''] = KEPT_FIELDS.map((field) => typed?.text(field))
  return c.redirect(pageUrlOf(step, await sealPageLink({ ticket, problem, username, name }, services)), 303)
}

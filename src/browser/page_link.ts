import type { Context } from 'hono'
import * as z from 'zod/mini'
import { Form } from '../pages/form.ts'
import type { Step } from '../signin/next_step.ts'
import { signInProblemSchema } from '../signin/sign_in_problem.ts'
import { BROWSER_PATH, PATH_OF_STEP } from './browser_path.ts'
import type { BrowserServices } from './browser_services.ts'
import { ticketSchema } from './form_ticket.ts'

/** The parameter with the sealed state of a page. */
export const STATE_PARAMETER = 'page_state'

/** The typed texts that a refused form keeps. Never a password or a code. */
export const KEPT_FIELDS = ['username', 'name'] as const

/**
 * The pages without a URL of their own. They show a secret of a new authenticator app or recovery codes, which must not be shown
 * again.
 */
const SECRET_STEPS: readonly Step[] = ['set_up_second_factor', 'recovery_codes']

const linkSchema = z.object({
  /** The state of the form of the page. It binds the URL to the browser. */
  ticket: ticketSchema,
  problem: z.nullable(signInProblemSchema),
  username: z.string(),
  /** A page of the version before has none. */
  name: z._default(z.string(), ''),
})

/** The sealed state of a page in its URL. */
export type PageLink = z.output<typeof linkSchema>

/** Whether a page can have a URL of its own. */
export function hasLink(step: Step): boolean {
  return !SECRET_STEPS.includes(step)
}

/** Seals the state of a page for a URL. */
export function sealPageLink(link: PageLink, { formSealer }: BrowserServices): Promise<string> {
  return formSealer.sealValue(link)
}

/** The URL of a page with its sealed state. */
export function pageUrlOf(step: Step, state: string): string {
  return `${BROWSER_PATH}${PATH_OF_STEP[step]}?${new URLSearchParams({ [STATE_PARAMETER]: state })}`
}

/** Opens the state in the URL of a page; null for another text. It may have expired. */
export function openPageLink(c: Context, { formSealer }: BrowserServices): Promise<PageLink | null> {
  return formSealer.openValue(c.req.query(STATE_PARAMETER) ?? '', linkSchema)
}

/** The URL of the sign-in page with a sealed state; null for a text that is no such state. */
export async function signInUrlOf(state: string, { formSealer }: BrowserServices): Promise<string | null> {
  const link = state === '' ? null : await formSealer.openValue(state, linkSchema)
  return link?.ticket.step === 'sign_in' ? pageUrlOf('sign_in', state) : null
}

/** The kept texts of a refused form. */
export function typedOf(link: PageLink): Form | null {
  const kept = KEPT_FIELDS.map((field) => [field, link[field]] as const)
  return kept.every(([, text]) => text === '') ? null : Form.of(Object.fromEntries(kept))
}

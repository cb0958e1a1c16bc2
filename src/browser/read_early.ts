import type { Context } from 'hono'
import { type FactorRead, type GivenFactor, readForCheck } from '../factors/verify_second_factor.ts'
import type { Form } from '../pages/form.ts'
import type { PasskeyRead } from '../passkeys/sign_in_by_passkey.ts'
import type { Step } from '../signin/next_step.ts'
import type { User } from '../users/user.ts'
import type { BrowserRequest } from './browser_request.ts'
import type { BrowserServices } from './browser_services.ts'
import type { FormTicket } from './form_ticket.ts'
import { readGivenPasskey } from './given_passkey.ts'
import { PASSKEY_DECISION } from './passkey_button.tsx'

/** A read that runs at the same time as that of the browser session, so that the form does not wait for one after the other. */
export interface EarlyRead {
  subject: string
  user: User | null
  /** The record for the check of the code in the form; null for a form without a code. */
  factor: FactorRead | null
  /** The records for the passkey in the form; null for a form without one, and for a text that is no passkey. */
  passkey: PasskeyRead | null
}

/** The factor in a form of the page of the second factor. */
export function readFactor(form: Form): GivenFactor {
  const kind = form.has('recovery_code') ? 'recovery_code' : 'totp'
  return { kind, code: form.text(kind) }
}

/** The code of a second factor in a form, with null for a code in a mail; null for a form without a code. */
function checkOf(step: Step, form: Form): { given: GivenFactor | null } | null {
  const given = readFactor(form)
  if (step === 'second_factor' && given.code !== '') return { given }
  return step === 'email_second_factor' && form.text('email_code') !== '' ? { given: null } : null
}

interface PageState {
  ticket: FormTicket
  /** Null for a page. */
  form: Form | null
  browserRequest: BrowserRequest
}

/**
 * Starts to read the user of a pending sign-in, and the record of a second factor. The user of the browser session is read with the
 * session.
 *
 * @returns null if the read of the browser session is enough
 * @throws StorageUnavailable, CorruptRecord
 */
export async function readEarly(
  c: Context,
  state: PageState,
  services: BrowserServices,
): Promise<EarlyRead | null> {
  const { ticket, form, browserRequest } = state
  const { client, api, context } = browserRequest
  const session = await services.cookies.session(api.userPool).read(c)
  const pending = ticket.pending?.subject ?? null
  const subject = pending ?? session?.subject ?? null
  if (subject === null) return null
  const check = form === null ? null : checkOf(ticket.step, form)
  if (check !== null) {
    const factor = await readForCheck({ subject, ...check, clientId: client.id }, services, context)
    return { subject, user: factor.record.user, factor, passkey: null }
  }
  const isKnown = pending === null || pending === session?.subject
  const passkey = form === null ? null : readPasskey(c, { ...state, form, subject }, services)
  if (isKnown && passkey === null) return null
  const [{ user }, read] = await Promise.all([
    services.authorizationState.find({ subject, browserIds: [], consentId: null }),
    passkey,
  ])
  return { subject, user, factor: null, passkey: read }
}

interface PasskeyForm extends PageState {
  form: Form
  subject: string
}

/** Starts to read the records of a passkey as the second factor; null for another form. */
function readPasskey(
  c: Context,
  { ticket, form, browserRequest, subject }: PasskeyForm,
  services: BrowserServices,
): Promise<PasskeyRead | null> | null {
  if (ticket.step !== 'second_factor' || form.text('decision') !== PASSKEY_DECISION) return null
  return readGivenPasskey(c, { form, browserRequest, subject }, services)
}

import type { Context } from 'hono'
import type { Form } from '../pages/form.ts'
import { PasskeyRefused } from '../passkeys/passkey_refused.ts'
import { type GivenPasskey, type PasskeyRead, readForPasskey } from '../passkeys/sign_in_by_passkey.ts'
import type { BrowserRequest } from './browser_request.ts'
import type { BrowserServices } from './browser_services.ts'

export interface PasskeyForm {
  form: Form
  browserRequest: BrowserRequest
  /** The user who must own the passkey; null for any user of the pool. */
  subject: string | null
}

/** The passkey of a form. */
export async function givenPasskey(
  c: Context,
  { form, browserRequest: { client, api }, subject }: PasskeyForm,
  { cookies }: BrowserServices,
): Promise<GivenPasskey> {
  return {
    pool: api.userPool,
    subject,
    clientId: client.id,
    api: api.name,
    sealed: form.text('passkey_challenge'),
    response: form.text('passkey'),
    // The challenge of a browser without the cookie of its forms belongs to no browser.
    holder: (await cookies.readFormId(c)) ?? '',
  }
}

/** Reads the records of the passkey of a form; null for a text that is no passkey. @throws OAuthError, StorageUnavailable, CorruptRecord */
export async function readGivenPasskey(
  c: Context,
  form: PasskeyForm,
  services: BrowserServices,
): Promise<PasskeyRead | null> {
  try {
    return await readForPasskey(await givenPasskey(c, form, services), services, form.browserRequest.context)
  } catch (error) {
    // The form is refused later, if it is accepted.
    if (error instanceof PasskeyRefused) return null
    throw error
  }
}

import type { Context } from 'hono'
import type { CreationOptionsJson } from '../passkeys/ceremony_options.ts'
import type { Passkey } from '../passkeys/passkey.ts'
import { PasskeyRefused } from '../passkeys/passkey_refused.ts'
import type { StartedCeremony } from '../passkeys/passkeys.ts'
import { amrOf } from '../passkeys/sign_in_by_passkey.ts'
import { hasProvenPasskey } from '../signin/describe_methods.ts'
import { advance, isPending } from '../signin/next_step.ts'
import type { User } from '../users/user.ts'
import type { BrowserServices } from './browser_services.ts'
import { InputRefused } from './input_refused.ts'
import { PASSKEY_DECISION } from './passkey_button.tsx'
import type { Submission } from './read_submission.ts'
import { finishSignIn, firstFactorOf } from './second_factor_forms.ts'
import { type Situation, userOf } from './situation.ts'
import type { PageContent } from './step_page.ts'

/** The value of the button that refuses an offer. */
export const LATER = 'later'

/** Whether the sign-in needs the new passkey. Otherwise the page only offers it. */
export function needsPasskey({ known: { user, demands } }: Pick<Situation, 'known'>): boolean {
  return user !== null && isPending(user, demands)
}

/** Starts the registration of a passkey; null if the pool has none. @throws StorageUnavailable, CorruptRecord */
export async function startRegistration({
  situation,
  looks,
  formId: holder,
  services,
}: Pick<
  PageContent,
  'situation' | 'looks' | 'formId' | 'services'
>): Promise<StartedCeremony<CreationOptionsJson> | null> {
  const user = userOf(situation)
  if (user === null) throw new Error('the page of a new passkey has no user')
  const { id: subject, pool, username } = user
  const account = { subject, pool, username, displayName: username, service: looks.name, holder }
  return services.passkeys.startRegistration(account, situation.browserRequest.context.now)
}

/**
 * Adds the first passkey of a user. If the sign-in needs it, it is the second factor. The button LATER refuses an offer.
 *
 * @throws InputRefused, StorageUnavailable, CorruptRecord
 */
export async function useNewPasskey(
  c: Context,
  { form, situation }: Submission,
  services: BrowserServices,
): Promise<Situation> {
  const isNeeded = needsPasskey(situation)
  const after = { ...situation, known: advance(situation.known, { kind: 'passkey_offer' }) }
  const decision = form.text('decision')
  if (decision === LATER && !isNeeded) return after
  if (decision !== PASSKEY_DECISION) return situation
  const first = firstFactorOf(situation)
  // After a passkey, a new passkey would be the same factor.
  if (isNeeded && hasProvenPasskey(first)) return situation
  const passkey = await register(c, { form, situation, user: first.user }, services)
  if (!isNeeded) return after
  const user = { ...first.user, hasPasskey: true }
  const finished = { kind: 'second_factor', first: { ...first, user }, added: amrOf(passkey, true) } as const
  return finishSignIn(c, finished, situation, services)
}

interface PasskeyForm extends Pick<Submission, 'form' | 'situation'> {
  user: User
}

async function register(
  c: Context,
  { form, situation, user }: PasskeyForm,
  { passkeys, cookies }: BrowserServices,
): Promise<Passkey> {
  const { client, api, context } = situation.browserRequest
  const finished = {
    subject: user.id,
    pool: user.pool,
    clientId: client.id,
    api: api.name,
    isFirst: true,
    sealed: form.text('passkey_challenge'),
    response: form.text('passkey'),
    name: context.device ?? '',
    // The form was accepted, so the browser has the cookie of its forms.
    holder: await cookies.requireFormId(c),
  }
  try {
    return await passkeys.finishRegistration(finished, context)
  } catch (error) {
    if (error instanceof PasskeyRefused) throw new InputRefused({ kind: 'unusable_passkey' })
    throw error
  }
}

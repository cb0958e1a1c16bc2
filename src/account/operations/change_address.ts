import { readNewAddress } from '../../accounts/sign_up.ts'
import { InputRefused } from '../../browser/input_refused.ts'
import type { Language } from '../../lib/language.ts'
import type { AccountCall } from './account_call.ts'
import { requireRecord } from './edit_profile.ts'

interface AddressChange {
  /** The new address, as the user typed it. */
  address: string
  /** The language of the mails of a user without a language. */
  language: Language
}

/**
 * Sends a link to a new address of the caller. The address changes when the link is used.
 *
 * @throws InputRefused, OAuthError too_many_attempts, StorageUnavailable, CorruptRecord
 */
export async function changeAddress(
  { address: typed, language }: AddressChange,
  call: AccountCall,
): Promise<void> {
  const { api, context, services } = call
  const address = readNewAddress(typed)
  if (address === null) throw new InputRefused({ kind: 'no_address' })
  const user = await requireRecord(call)
  await services.addressChanges.request({ user, address, api: api.name, language }, context)
}

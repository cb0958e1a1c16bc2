import { InputRefused } from '../../browser/input_refused.ts'
import type { CreationOptionsJson } from '../../passkeys/ceremony_options.ts'
import type { Passkey } from '../../passkeys/passkey.ts'
import { PasskeyRefused } from '../../passkeys/passkey_refused.ts'
import type { StartedCeremony } from '../../passkeys/passkeys.ts'
import { findRemaining } from '../../signin/second_factor.ts'
import { type AccountCall, originOf } from './account_call.ts'

/** The passkeys of the caller, oldest first. @throws StorageUnavailable, CorruptRecord */
export function listOwnPasskeys({ signedIn, services }: AccountCall): Promise<Passkey[]> {
  return services.passkeys.list(signedIn.user.id)
}

interface NewPasskey {
  /** The name of the service in the authenticator. */
  service: string
  /** The id of the browser or of the session that gets the challenge. */
  holder: string
}

/** Starts the registration of a passkey of the caller. @returns null if the pool has no passkeys @throws StorageUnavailable, CorruptRecord */
export function startPasskey(
  { service, holder }: NewPasskey,
  { signedIn: { user }, services, context }: AccountCall,
): Promise<StartedCeremony<CreationOptionsJson> | null> {
  const { id: subject, pool, username } = user
  const account = { subject, pool, username, displayName: username, service, holder }
  return services.passkeys.startRegistration(account, context.now)
}

interface AddedPasskey {
  sealed: string
  /** The JSON of the browser's response. */
  response: string
  holder: string
}

/** Adds a passkey of the caller. Its name is that of the device. @throws InputRefused, StorageUnavailable */
export async function addPasskey(added: AddedPasskey, call: AccountCall): Promise<Passkey> {
  const { pool, services, context } = call
  const finished = { ...added, ...originOf(call), pool, name: context.device ?? '', isFirst: false }
  try {
    return await services.passkeys.finishRegistration(finished, context)
  } catch (error) {
    if (error instanceof PasskeyRefused) throw new InputRefused({ kind: 'unusable_passkey' })
    throw error
  }
}

/** Names a passkey of the caller. @returns false for an unknown passkey @throws StorageUnavailable */
export function renamePasskey(
  { id, name }: Pick<Passkey, 'id' | 'name'>,
  { signedIn, services }: AccountCall,
): Promise<boolean> {
  return services.passkeys.rename({ id, name, subject: signedIn.user.id })
}

/** Finds the factor that serves in place of a removed passkey. @returns null for the last required factor */
export function findRemainingWithout(
  id: string,
  passkeys: readonly Passkey[],
  { signedIn: { user }, services: { config } }: Pick<AccountCall, 'signedIn' | 'services'>,
) {
  const left = passkeys.filter((passkey) => passkey.id !== id)
  return findRemaining(user, { hasTotp: user.hasTotp, passkeys: left }, config)
}

/**
 * Removes a passkey of the caller.
 *
 * @returns the removed passkey; null for an unknown one
 * @throws InputRefused for the last required factor, also if another request removes the other one; StorageUnavailable, CorruptRecord
 */
export async function removePasskey(id: string, call: AccountCall): Promise<Passkey | null> {
  const passkeys = await listOwnPasskeys(call)
  const found = passkeys.find((passkey) => passkey.id === id)
  if (found === undefined) return null
  const allowed = findRemainingWithout(id, passkeys, call)
  if (allowed === null) throw new InputRefused({ kind: 'expired_form' })
  const removal = { id, ...allowed, ...originOf(call) }
  if (await call.services.passkeys.remove(removal, call.context)) return found
  const isLeft = (await listOwnPasskeys(call)).some((passkey) => passkey.id === id)
  if (isLeft) throw new InputRefused({ kind: 'other_session' })
  return null
}

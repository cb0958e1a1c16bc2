import { InputRefused } from '../../browser/input_refused.ts'
import type { StartedEnrolment } from '../../factors/authenticator_apps.ts'
import { findRemaining, secondFactorOf } from '../../signin/second_factor.ts'
import { type AccountCall, originOf, spendChange } from './account_call.ts'

/** Whether the caller can set up an authenticator app, and has one. */
export function appOf({
  signedIn: { user },
  services: { config },
}: Pick<AccountCall, 'signedIn' | 'services'>) {
  const { allowsApp, hasApp } = secondFactorOf(user, config)
  return { isAllowed: allowsApp, isSetUp: hasApp }
}

/** Finds the factor that serves in place of the app. @returns null if the caller cannot remove the app @throws StorageUnavailable, CorruptRecord */
export async function findRemainingWithoutApp({
  signedIn: { user },
  services,
}: Pick<AccountCall, 'signedIn' | 'services'>) {
  const passkeys = user.hasPasskey ? await services.passkeys.list(user.id) : []
  return findRemaining(user, { hasTotp: false, passkeys }, services.config)
}

interface NewApp {
  /** The name of the service in the app. */
  service: string
  /** The sealed secret of a refused form; empty for a new secret. */
  sealed: string
}

/** Makes the secret of a new app, or describes that of a refused form again. Nothing is stored. */
export async function startApp(
  { service, sealed }: NewApp,
  { signedIn: { user }, services, context }: AccountCall,
): Promise<StartedEnrolment> {
  const names = { subject: user.id, account: user.username, service }
  const { authenticatorApps } = services
  const continued = sealed === '' ? null : await authenticatorApps.continue({ sealed, ...names }, context.now)
  return continued ?? authenticatorApps.start(names, context.now)
}

/**
 * Stores an app of the caller after its first code. It replaces an earlier app and the recovery codes.
 *
 * @returns the recovery codes, which the user sees once
 * @throws InputRefused, StorageUnavailable
 */
export async function confirmApp(
  { sealed, code }: { sealed: string; code: string },
  call: AccountCall,
): Promise<string[]> {
  const { isAllowed, isSetUp } = appOf(call)
  if (!isAllowed) throw new InputRefused({ kind: 'expired_form' })
  const confirmed = { sealed, code, isFirst: !isSetUp, ...originOf(call) }
  const result = await call.services.authenticatorApps.confirm(confirmed, call.context)
  if (result.kind === 'added') return result.recoveryCodes
  throw new InputRefused(
    result.kind === 'wrong_code' ? { kind: 'wrong_code', factor: 'totp' } : { kind: 'expired_form' },
  )
}

/**
 * Replaces the recovery codes of the caller. It takes a second one from the budget of changes, because it writes twice the rows.
 *
 * @returns the new codes
 * @throws InputRefused, OAuthError too_many_attempts, StorageUnavailable
 */
export async function renewCodes(call: AccountCall): Promise<string[]> {
  if (!appOf(call).isSetUp) throw new InputRefused({ kind: 'expired_form' })
  await spendChange(call)
  return call.services.authenticatorApps.renewRecoveryCodes(originOf(call), call.context)
}

/**
 * Removes the app and the recovery codes of the caller.
 *
 * @throws InputRefused for the last required factor, also if another request removes the other one; StorageUnavailable, CorruptRecord
 */
export async function removeApp(call: AccountCall): Promise<void> {
  const { services, context } = call
  const allowed = appOf(call).isSetUp ? await findRemainingWithoutApp(call) : null
  if (allowed === null) throw new InputRefused({ kind: 'expired_form' })
  const origin = originOf(call)
  if (await services.authenticatorApps.remove({ ...allowed, ...origin }, context)) return
  const isLeft = (await services.factors.list(origin.subject)).some(({ kind }) => kind === 'totp')
  if (isLeft) throw new InputRefused({ kind: 'other_session' })
}

import { AuthenticatorApps } from '../factors/authenticator_apps.ts'
import { FactorSecrets } from '../factors/factor_secrets.ts'
import { FactorStore } from '../factors/factor_store.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import type { AuditServices } from './audit_services.ts'
import type { Environment } from './environment.ts'
import type { NotificationServices } from './notification_services.ts'
import type { SignInServices } from './sign_in_services.ts'

export type FactorServices = ReturnType<typeof createFactorServices>

/** Creates the services of second factors. */
export function createFactorServices(
  { db, sealingKeys }: Environment,
  {
    failures,
    audit,
    notifications,
  }: Pick<SignInServices, 'failures'> &
    Pick<AuditServices, 'audit'> &
    Pick<NotificationServices, 'notifications'>,
) {
  const sealer = new TextSealer(sealingKeys, 'sallyport authenticator app')
  const keyName = new KeyedHash(sealingKeys[0], 'sallyport key of authenticator apps')
  const factors = new FactorStore(db, failures)
  const factorSecrets = new FactorSecrets(sealer, keyName)
  return {
    factors,
    factorSecrets,
    authenticatorApps: new AuthenticatorApps({ factors, secrets: factorSecrets, audit, notifications }),
  }
}

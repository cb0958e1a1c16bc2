import type { Config } from '../config/config.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { ChallengeSealer } from '../passkeys/passkey_challenge.ts'
import { PasskeyStore } from '../passkeys/passkey_store.ts'
import { Passkeys } from '../passkeys/passkeys.ts'
import type { AuditServices } from './audit_services.ts'
import type { Environment } from './environment.ts'
import type { NotificationServices } from './notification_services.ts'
import type { OneTimeServices } from './one_time_services.ts'

export type PasskeyServices = ReturnType<typeof createPasskeyServices>

/** Creates the services of passkeys. */
export function createPasskeyServices(
  { db, sealingKeys }: Environment,
  config: Config,
  {
    oneTime,
    audit,
    notifications,
  }: OneTimeServices & Pick<AuditServices, 'audit'> & Pick<NotificationServices, 'notifications'>,
) {
  const passkeyStore = new PasskeyStore(db)
  const passkeyChallenges = new ChallengeSealer(new TextSealer(sealingKeys, 'sallyport passkey challenge'))
  return {
    passkeyStore,
    passkeyChallenges,
    passkeys: new Passkeys({
      store: passkeyStore,
      challenges: passkeyChallenges,
      oneTime,
      audit,
      notifications,
      config,
    }),
  }
}

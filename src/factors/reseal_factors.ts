import { describeError, log } from '../lib/log.ts'
import type { FactorSealStore, NewSeal } from './factor_seal_store.ts'
import type { FactorSecrets } from './factor_secrets.ts'

/** The secrets of one statement. */
const BATCH = 100

/** The most statements of a run of the cron trigger: 2000 secrets. The next run continues. */
const MAX_BATCHES = 20

interface Dependencies {
  factorSeals: FactorSealStore
  factorSecrets: FactorSecrets
}

/** Seals the secrets of authenticator apps with the new secret during a change of SEALING_KEY. A failure leaves the rest to the next run. */
export async function resealFactors(dependencies: Dependencies): Promise<void> {
  try {
    const { resealed, unopened } = await resealAll(dependencies)
    if (resealed > 0 || unopened > 0) log('info', 'factors_resealed', { resealed, unopened })
  } catch (error) {
    log('error', 'factors_not_resealed', { cause: describeError(error) })
  }
}

async function resealAll({ factorSeals, factorSecrets }: Dependencies) {
  const keyName = await factorSecrets.keyName()
  const outcome = { resealed: 0, unopened: 0 }
  let after = ''
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const old = await factorSeals.listOld(keyName, { after, limit: BATCH })
    const seals = await Promise.all(
      old.map(async ({ id, sealedSecret }) => ({
        id,
        from: sealedSecret,
        to: await factorSecrets.reseal(sealedSecret),
      })),
    )
    const opened = seals.filter((seal): seal is NewSeal => seal.to !== null)
    outcome.unopened += seals.length - opened.length
    if (opened.length > 0) outcome.resealed += await factorSeals.replace(opened, keyName)
    after = old.at(-1)?.id ?? ''
    if (old.length < BATCH) break
  }
  return outcome
}

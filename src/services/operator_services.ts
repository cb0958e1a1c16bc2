import { CallerBudget } from '../clients/caller_budget.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import { IdempotencyStore } from '../storage/idempotency_store.ts'
import type { Environment } from './environment.ts'

export type OperatorServices = ReturnType<typeof createOperatorServices>

/** Creates the keys, budgets and stores of the console and of the admin API. */
export function createOperatorServices({ sealingKeys, db }: Environment) {
  return {
    /** Limits the searches of all callers and the changes of service accounts. */
    callerBudget: new CallerBudget(),
    /** Encrypts the cookies of the console. */
    consoleSealer: new TextSealer(sealingKeys, 'sallyport console session'),
    /** Authenticates the confirmations of operators. */
    confirmations: new KeyedHash(sealingKeys[0], 'sallyport operator confirmation'),
    /** The requests of the admin API that had an Idempotency-Key. */
    idempotency: new IdempotencyStore(db),
    idempotencyHash: new KeyedHash(sealingKeys[0], 'sallyport idempotency keys'),
  }
}

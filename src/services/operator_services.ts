import { CallerBudget } from '../clients/caller_budget.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import { IdempotencyStore } from '../storage/idempotency_store.ts'
import type { Environment } from './environment.ts'

export type OperatorServices = ReturnType<typeof createOperatorServices>

/** Creates the keys, budgets and stores of the console and of the admin API. */
export function createOperatorServices({ sealingKeys, db }: Environment) {
  const [first, ...others] = sealingKeys
  return {
    /** Limits the searches of all callers and the changes of service accounts. */
    callerBudget: new CallerBudget(),
    /** Encrypts the cookies of the console. */
    consoleSealer: new TextSealer(sealingKeys, 'sallyport console session'),
    /** Authenticates the confirmations of operators. */
    confirmations: new KeyedHash(first, 'sallyport operator confirmation'),
    /** The requests of the admin API that had an Idempotency-Key. */
    idempotency: new IdempotencyStore(db),
    /** One for each sealing key, in the same order. The first one is for new secrets. */
    idempotencyHashes: [idempotencyHash(first), ...others.map(idempotencyHash)] as const,
  }
}

function idempotencyHash(sealingKey: Environment['sealingKeys'][0]): KeyedHash {
  return new KeyedHash(sealingKey, 'sallyport idempotency keys')
}

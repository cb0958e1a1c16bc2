import { AccountBudget } from '../clients/account_budget.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import { KeyedHash } from '../lib/keyed_hash.ts'
import type { Environment } from './environment.ts'

export type OperatorServices = ReturnType<typeof createOperatorServices>

/** Creates the keys and the budgets of the console and of the admin API. */
export function createOperatorServices({ sealingKeys }: Environment) {
  return {
    /** Limits the changes of service accounts. */
    accountBudget: new AccountBudget(),
    /** Encrypts the cookies of the console. */
    consoleSealer: new TextSealer(sealingKeys, 'sallyport console session'),
    /** Authenticates the confirmations of operators. */
    confirmations: new KeyedHash(sealingKeys[0], 'sallyport operator confirmation'),
  }
}

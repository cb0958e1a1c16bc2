import { CodeSealer } from '../authorization/authorization_code.ts'
import { AuthorizationStateStore } from '../authorization/authorization_state_store.ts'
import { ConsentStore } from '../authorization/consent_store.ts'
import { RequestSealer } from '../authorization/sealed_request.ts'
import { TextSealer } from '../keys/text_sealer.ts'
import type { Environment } from './environment.ts'
import type { UserServices } from './user_services.ts'

export type AuthorizationServices = ReturnType<typeof createAuthorizationServices>

/** Creates the services of the authorization endpoint and its pages. */
export function createAuthorizationServices(
  { db, sealingKeys }: Environment,
  { userDatabases }: Pick<UserServices, 'userDatabases'>,
) {
  return {
    codes: new CodeSealer(new TextSealer(sealingKeys, 'sallyport authorization code')),
    requests: new RequestSealer(new TextSealer(sealingKeys, 'sallyport authorization request')),
    consents: new ConsentStore(db),
    authorizationState: new AuthorizationStateStore(userDatabases),
    /** Seals the forms of the pages. */
    formSealer: new TextSealer(sealingKeys, 'sallyport sign-in forms'),
    /** Seals the cookies of the pages. */
    browserSealer: new TextSealer(sealingKeys, 'sallyport browser session'),
  }
}

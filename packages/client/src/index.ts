// What `@sallyport/client` exports.
export { Client, createClient } from './client.ts'
export type {
  ClientEvent,
  ClientListener,
  ClientOptions,
  RedirectOptions,
  RedirectResult,
  SignInInput,
  SignInOptions,
  SignInStep,
  SignOutOptions,
} from './options.ts'
export { type Claims, isGuest, readClaims, type Session, type TokenStorage } from './session.ts'
export { readStepUp, type StepUp } from './step_up.ts'
export { TokenRequestError } from './token_endpoint.ts'

// What `@sallyport/client` exports.
export { Client, type ClientEvent, type ClientListener, type ClientOptions, createClient } from './client.ts'
export { type Claims, isGuest, readClaims, type Session, type TokenStorage } from './session.ts'
export { TokenRequestError } from './token_endpoint.ts'

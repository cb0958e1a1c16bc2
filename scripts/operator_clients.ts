import type { ClientValues } from '../src/clients/client_values.ts'

/** A public client with which operators sign in. */
export type OperatorClient = Pick<ClientValues, 'id' | 'name' | 'grants' | 'redirectUris'>

/** The command line and the console. The command line also signs operators in by browser, with a loopback redirect (RFC 8252 §7.3). */
export const OPERATOR_CLIENTS: readonly OperatorClient[] = [
  {
    id: 'sallyport-cli',
    name: 'Sallyport command line',
    grants: ['password', 'authorization_code', 'refresh_token'],
    redirectUris: ['http://127.0.0.1/callback'],
  },
  { id: 'sallyport-console', name: 'Sallyport console', grants: ['password'], redirectUris: [] },
]

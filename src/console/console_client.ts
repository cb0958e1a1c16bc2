import { CONSOLE_PATH } from './console_path.ts'

/** The public first-party client with which operators sign in. */
export const CONSOLE_CLIENT = 'sallyport-console'

/** The redirect URI of the console, below CONSOLE_PATH. */
export const CALLBACK_PATH = '/callback'

/** The post-logout redirect URI of the console, below CONSOLE_PATH. */
export const SIGNED_OUT_PATH = '/signed-out'

/** The addresses of the console that its client registers. */
export function consoleAddressesOf(issuer: string): { redirectUri: string; signedOutUri: string } {
  const base = issuer + CONSOLE_PATH
  return { redirectUri: base + CALLBACK_PATH, signedOutUri: base + SIGNED_OUT_PATH }
}

import type { AccountCall } from '../operations/account_call.ts'

/** The name of the service in the authenticator of a user. */
export function serviceNameOf({ api }: Pick<AccountCall, 'api'>): string {
  return api.branding?.name ?? 'Sallyport'
}

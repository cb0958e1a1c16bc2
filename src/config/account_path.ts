/** The path of the account pages. */
export const ACCOUNT_PAGES_PATH = '/account'

/** The path of the JSON API of the account in a pool, in Hono's syntax. */
export const ACCOUNT_API_PATH = `${ACCOUNT_PAGES_PATH}/:pool/api`

/** The path of the account page of a pool. The pages of its sections are below it. */
export function accountPathOf(pool: string): string {
  return `${ACCOUNT_PAGES_PATH}/${pool}`
}

/** The path of the page for a forgotten password, below the account page of a pool. */
export const FORGOTTEN_PASSWORD_PATH = '/forgotten-password'

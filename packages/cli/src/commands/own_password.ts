/** The end of a sentence about a command that can need a confirmation by the operator's password, such as `To enable an admin, …`. */
export const ASKS_FOR_PASSWORD =
  'the command asks for your own password. Without a terminal, it reads the password from standard input: the first line that it has not yet read.'

/** The clients of the admin API that can need a confirmation, after `a client that` or `the client`. */
export const HAS_ADMIN_POWER =
  'belongs to the admin API and has an admin scope or the grant authorization_code'

/** The changes of such a client that need a confirmation. */
export const GAINS_POWER = 'gets a scope, a grant, a redirect URI or keys, or becomes first-party'

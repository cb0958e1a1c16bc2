/** The end of a sentence about a command that can need a confirmation by the operator's password, such as `To enable an admin, …`. */
export const ASKS_FOR_PASSWORD =
  'the command asks for your own password. Without a terminal, it reads the password from standard input: the first line that it has not yet read.'

import * as z from 'zod/mini'
import { PASSWORD_RULES } from '../users/create_user.ts'

/**
 * The reasons why an input was not accepted. `wrong_credentials` covers an unknown name, a wrong password, a locked account and a
 * disabled user, so that the page does not reveal whether an account exists.
 */
export const signInProblemSchema = z.discriminatedUnion('kind', [
  kind('wrong_credentials'),
  /** A limit of sign-ins, a queue or the wait after a suspicion. */
  z.object({ kind: z.literal('must_wait'), seconds: z.int(), isLimit: z.boolean() }),
  kind('wrong_current_password'),
  /** A second factor that is wrong or was used before. */
  z.object({ kind: z.literal('wrong_code'), factor: z.enum(['totp', 'recovery_code', 'email_code']) }),
  /** A passkey that is wrong or of another user. */
  kind('refused_passkey'),
  /** A passkey that the server does not have, such as a removed one. Its id is that of the response. */
  z.object({ kind: z.literal('unknown_passkey'), credentialId: z.string() }),
  /** A new passkey that does not verify, or the account got another one. */
  kind('unusable_passkey'),
  /** The user requested a code by mail for a text that is no username and no address. */
  kind('missing_name'),
  /** The text is no address for a new account. It does not depend on existing accounts. */
  kind('no_address'),
  kind('different_passwords'),
  z.object({ kind: z.literal('refused_password'), rule: z.enum(PASSWORD_RULES) }),
  /** A text of the profile that is too long or has control characters. */
  z.object({ kind: z.literal('refused_text'), field: z.string(), longest: z.int() }),
  /** Another request changed the record after the page was shown. */
  kind('changed_meanwhile'),
  /** The name that the user typed to confirm is not the username. */
  kind('wrong_name'),
  /** The user is the last admin, whose account stays. */
  kind('last_admin'),
  /** The application asked for another account. */
  kind('other_account'),
  /** The form was older than 30 minutes. */
  kind('expired_form'),
  /** The browser sent no cookie with the form. */
  kind('no_cookie'),
  /** The form was made for another browser. */
  kind('other_browser'),
  /** The browser session began, changed or ended after the page was shown. */
  kind('other_session'),
])
export type SignInProblem = z.output<typeof signInProblemSchema>

function kind<K extends string>(name: K) {
  return z.object({ kind: z.literal(name) })
}

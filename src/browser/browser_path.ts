import {
  AUTHORIZATION_PATH,
  LOGOUT_ENDPOINT_PATH,
  VISITOR_AUTHORIZATION_PATH,
} from '../authorization/authorization_path.ts'
import type { Step } from '../signin/next_step.ts'

/** The common path of the pages of the browser flows. It is the path of the token endpoint. */
export const BROWSER_PATH = '/oauth2-token'

export const AUTHORIZE_PATH = AUTHORIZATION_PATH.slice(BROWSER_PATH.length)
export const AUTHORIZE_VISITOR_PATH = VISITOR_AUTHORIZATION_PATH.slice(BROWSER_PATH.length)
export const SIGN_IN_PATH = '/sign-in'
export const EMAIL_CODE_PATH = '/email-code'
export const SIGN_UP_PATH = '/sign-up'
export const SIGN_UP_CODE_PATH = `${SIGN_UP_PATH}/code`
export const CREATE_ACCOUNT_PATH = `${SIGN_UP_PATH}/account`
export const ACCOUNT_PATH = '/account'
export const SECOND_FACTOR_PATH = '/second-factor'
export const EMAIL_SECOND_FACTOR_PATH = `${SECOND_FACTOR_PATH}/email`
export const SET_UP_PATH = `${SECOND_FACTOR_PATH}/set-up`
export const RECOVERY_CODES_PATH = `${SECOND_FACTOR_PATH}/recovery-codes`
export const ADD_PASSKEY_PATH = '/passkey'
export const PASSWORD_PATH = '/password'
export const CONSENT_PATH = '/consent'
export const LOGOUT_PATH = LOGOUT_ENDPOINT_PATH.slice(BROWSER_PATH.length)
export const LOGOUT_CONFIRM_PATH = `${LOGOUT_PATH}/confirm`

/** The path of each page of a sign-in, below BROWSER_PATH. */
export const PATH_OF_STEP: Readonly<Record<Step, string>> = {
  sign_in: SIGN_IN_PATH,
  email_code: EMAIL_CODE_PATH,
  select_account: ACCOUNT_PATH,
  sign_up: SIGN_UP_PATH,
  sign_up_code: SIGN_UP_CODE_PATH,
  create_account: CREATE_ACCOUNT_PATH,
  second_factor: SECOND_FACTOR_PATH,
  email_second_factor: EMAIL_SECOND_FACTOR_PATH,
  set_up_second_factor: SET_UP_PATH,
  recovery_codes: RECOVERY_CODES_PATH,
  add_passkey: ADD_PASSKEY_PATH,
  change_password: PASSWORD_PATH,
  consent: CONSENT_PATH,
}

/** The path of the stylesheet, the icon and the scripts. */
export const FILES_PATH = '/pages'

/** The file name of the script that sends the form to the client. */
export const FORM_POST_SCRIPT = 'form_post.js'

/** The file name of the script that runs the ceremony of a passkey. */
export const PASSKEY_SCRIPT = 'passkey.js'

/** The URL of a script, for the content security policy. */
export function scriptAddress(name: string, { issuer }: { issuer: string }): string {
  return `${new URL(issuer).origin}${BROWSER_PATH}${FILES_PATH}/${name}`
}

/** The paths of the pages and their files, below BROWSER_PATH. */
export const PAGE_PATHS = [
  AUTHORIZE_PATH,
  AUTHORIZE_VISITOR_PATH,
  ...Object.values(PATH_OF_STEP),
  LOGOUT_PATH,
  LOGOUT_CONFIRM_PATH,
  `${FILES_PATH}/*`,
] as const

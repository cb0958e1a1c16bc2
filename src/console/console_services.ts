import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Assets } from '../pages/assets.ts'
import type { SessionCookie } from './console_session.ts'
import type { KeptForms } from './kept_forms.ts'
import type { NoticeCookie } from './notice_cookie.ts'
import type { SessionLoader } from './session_loader.ts'
import type { SignInAttempts } from './sign_in_attempt.ts'
import type { TokenClient } from './token_client.ts'

/** The services that the routes of the console share. */
export interface ConsoleServices {
  sessionLoader: SessionLoader
  cookie: SessionCookie
  attempts: SignInAttempts
  notices: NoticeCookie
  keptForms: KeptForms
  tokens: TokenClient
  assets: Assets
  config: Config
  clock: Clock
}

import type { Config } from '../config/config.ts'
import type { TextSealer } from '../keys/text_sealer.ts'
import type { Clock } from '../lib/clock.ts'
import type { Assets } from '../pages/assets.ts'
import type { SessionCookie } from './console_session.ts'
import type { NoticeCookie } from './notice_cookie.ts'
import type { SessionLoader } from './session_loader.ts'
import type { TokenClient } from './token_client.ts'

/** The services that the routes of the console share. */
export interface ConsoleServices {
  sessionLoader: SessionLoader
  cookie: SessionCookie
  notices: NoticeCookie
  /** Seals the form of an ended session. */
  sealer: TextSealer
  tokens: TokenClient
  assets: Assets
  config: Config
  clock: Clock
}

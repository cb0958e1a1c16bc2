import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { AssetFiles } from './assets.ts'
import type { SessionCookie } from './console_session.ts'
import type { SessionLoader } from './session_loader.ts'
import type { TokenClient } from './token_client.ts'

/** What the routes of the console share. */
export interface ConsoleServices {
  sessionLoader: SessionLoader
  cookie: SessionCookie
  tokens: TokenClient
  assets: AssetFiles
  config: Config
  clock: Clock
}

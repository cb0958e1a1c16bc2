import type { ApiConfig } from '../config/config.ts'
import type { BrowserSessionLimits } from '../signin/browser_session.ts'

/** The lifetimes of the browser sessions of an API's pool. */
export function limitsOf(api: ApiConfig): BrowserSessionLimits {
  return api.guests
    ? { idleSeconds: 86_400, lifetimeSeconds: 2_592_000 }
    : { idleSeconds: 3600, lifetimeSeconds: 43_200 }
}

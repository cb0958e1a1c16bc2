import type { Child } from 'hono/jsx'
import type { Config } from '../config/config.ts'
import type { AdminClient } from './admin_client.ts'
import type { Form } from './form.ts'
import type { TokenResponse } from './token_client.ts'

/** Where the console is. */
export const CONSOLE_PATH = '/console'

/** Whoever looks, as the admin API knows them now. */
export interface ConsoleOperator {
  id: string
  username: string
  isAdmin: boolean
  mustChangePassword: boolean
  /** Whether a known breach has their password. */
  passwordBreached: boolean
  /** Their own session. */
  sid: string
}

/** What a page is made from. */
export interface PageRequest {
  admin: AdminClient
  operator: ConsoleOperator
  csrfToken: string
  params: Readonly<Record<string, string>>
  query: Form
  /** Empty where nothing was posted. */
  form: Form
  /** Unix seconds. */
  now: number
  config: Config
}

/** A page to show, or where to go: after whatever changed something (RFC 9110 §15.4.4). */
export type PageResponse = PageContent | Redirection

export interface PageContent {
  title: string
  body: Child
  /** 200 if absent. */
  status?: number
}

export interface Redirection {
  location: string
  /** The tokens of a new session that takes the place of the current one; absent where that goes on. */
  tokens?: TokenResponse
}

/** One page or action of the console. */
export interface Page {
  method: 'GET' | 'POST'
  /** Below /console, as Hono writes it. */
  path: string
  /** Who is shown it; what it may do is the admin API's to say. */
  role: 'support' | 'admin'
  handle(request: PageRequest): Promise<PageResponse>
}

/** Goes to a page of the console, which says what was done: `done` is a name in notices.tsx. */
export function goTo(path: string, done?: string): Redirection {
  return { location: `${CONSOLE_PATH}${path}${done === undefined ? '' : `?done=${done}`}` }
}

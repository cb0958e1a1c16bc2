import type { Child } from 'hono/jsx'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import type { Form } from '../pages/form.ts'
import type { AdminClient } from './admin_client.ts'
import { CONSOLE_PATH } from './console_path.ts'
import type { KeptForm } from './kept_forms.ts'
import type { TokenResponse } from './token_client.ts'

/** The signed-in operator, with the current data of the admin API. */
export interface ConsoleOperator {
  id: string
  username: string
  isAdmin: boolean
  mustChangePassword: boolean
  /** Whether a list of breached passwords contains the password. */
  passwordBreached: boolean
  /** The session id of this sign-in. */
  sid: string
}

/** A request for a page or an action. */
export interface PageRequest {
  admin: AdminClient
  operator: ConsoleOperator
  csrfToken: string
  params: Readonly<Record<string, string>>
  query: Form
  /** The posted form; empty for GET. */
  form: Form
  /** Finds the form that the operator sent after an earlier session had ended; null without one. */
  findKeptForm(): Promise<KeptForm | null>
  /** Unix seconds. */
  now: number
  config: Config
}

/** A page, a redirect after a change (303, RFC 9110 §15.4.4), or a file. */
export type PageResponse = PageContent | Redirection | Download

export interface PageContent {
  title: string
  body: Child
  /** The browser loads the path below /console after the seconds. Absent: never. */
  refresh?: { seconds: number; path: string }
  /** 200 if absent. */
  status?: number
}

/** A JSON file that the browser saves. */
export interface Download {
  /** A constant of the code. */
  fileName: string
  document: object
}

export interface Redirection {
  location: string
  /** The name of the notice that the page shows once (notices.ts). */
  done?: string
  /** The number of sessions that the change ended, as words, such as `3 sessions`. */
  sessions?: string
  /** The tokens of a new session; absent if the current session continues. */
  tokens?: TokenResponse
}

/** One page or action of the console. */
export interface Page {
  method: 'GET' | 'POST'
  /** Below /console, in Hono's syntax. */
  path: string
  /** The role that sees the page. The admin API decides what the operator may do. */
  role: 'support' | 'admin'
  handle(request: PageRequest): Promise<PageResponse>
}

/** A redirect to a page of the console. */
export function goTo(path: string, done?: string, sessions?: string): Redirection {
  return compact({ location: CONSOLE_PATH + path, done, sessions })
}

import type { ExecutionContext } from 'hono'
import type { Server } from '../services/management_binding.ts'

/** A request for the admin API, the console or the account pages. */
export interface ManagementCall {
  request: Request
  /** The token service. The console sends requests to it. */
  server: Server
  context: ExecutionContext
}

/** Handles the requests for the admin API, the console and the account pages. */
export type Management = (call: ManagementCall) => Promise<Response>

/** The bindings of each request of the management app. */
export interface ManagementBindings {
  server: Server
}

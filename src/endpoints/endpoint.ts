import type { Handler } from '../http/handlers.ts'
import type { Responses } from '../http/responses.ts'
import type { Services } from '../services/services.ts'

/** One address of the server. The routes, their 405 and their CORS methods are made from a list of these. */
export interface Endpoint {
  method: 'GET' | 'POST'
  path: string
  /** Makes the handler, once in an isolate. */
  handler(services: Services, responses: Responses): Handler
}

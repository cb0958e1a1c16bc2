import type { Context } from 'hono'
import type { Config } from '../config/config.ts'
import type { Handler } from '../http/handlers.ts'
import type { Responses } from '../http/responses.ts'
import type { Services } from '../services/services.ts'

/** The methods that an endpoint can have. GET includes HEAD. */
export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

/** Creates the handler of one method. An isolate calls it once. */
export type CreateHandler = (services: Services, responses: Responses) => Handler

/** The format of an endpoint's errors: for programs, or for users in a browser. */
export interface EndpointFormat {
  /** Whether scripts of allowed origins can read the responses (CORS). */
  cors: boolean
  /** Writes the response to a refused request. `Responses.refuse` describes the error. */
  writeError(c: Context, thrown: unknown, responses: Responses): Response | Promise<Response>
}

/** The format of endpoints for programs: errors are JSON (RFC 6749 §5.2). */
export const JSON_FORMAT: EndpointFormat = {
  cors: true,
  writeError: (c, thrown, responses) => responses.error(c, thrown),
}

/** One path of the server. `addEndpoints` creates its routes, its 405 response and its CORS methods. */
export interface Endpoint {
  path: string
  format: EndpointFormat
  methods: Partial<Record<Method, CreateHandler>>
  /** Whether a configuration has the endpoint. Absent: each configuration has it. */
  isIn?(config: Config): boolean
}

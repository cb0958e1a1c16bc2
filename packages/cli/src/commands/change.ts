import type { ApiRequest } from '../api/admin_api.ts'
import { ProblemError } from '../api/problem.ts'
import type { Responses } from '../api/schemas.ts'
import type { Call } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { type Option, text } from '../core/option.ts'

export const IF_MATCH: Option<string> = {
  ...text('if-match', 'Run the command only if the record still has this version, which "show" prints', {
    value: 'VERSION',
  }),
  parse: (given) => (/^\d+$/.test(given) ? `"${given}"` : given),
}

/** The operations that return an object with a version. */
type ReadOperation = 'GET /clients/{client_id}' | 'GET /users/{id}'

/** Reads an object and its version. A change is refused if the version has changed since. @throws as `AdminApi.ask` */
export async function readVersioned<O extends ReadOperation>(
  { api, input }: Call,
  request: ApiRequest<O>,
): Promise<{ item: Responses[O]; etag: string }> {
  const { body, etag } = await api.ask(request)
  if (etag === null) throw new CliError('failed', 'The response has no version.')
  return { item: body, etag: input.get(IF_MATCH) ?? etag }
}

/**
 * Reads an object before a change, so that the command can say whether the change was made before. Null for a service account that
 * cannot read it, and while a store is down, because an operator must be able to end sessions then.
 *
 * @throws as `AdminApi.ask`
 */
export async function readBefore<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    if (error.status === 503 || error.problem.type.endsWith(':scope-missing')) return null
    throw error
  }
}

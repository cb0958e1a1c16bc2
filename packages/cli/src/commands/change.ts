import type { ApiRequest } from '../api/admin_api.ts'
import type { Responses } from '../api/schemas.ts'
import type { Call } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { type Option, text } from '../core/option.ts'

export const IF_MATCH: Option<string> = {
  ...text('if-match', 'Change it only if it still has this version, as "show" prints it', {
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

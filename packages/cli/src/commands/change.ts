import { type ApiResponse, asItem, type Item } from '../api/admin_api.ts'
import type { Call } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { type Option, text } from '../core/option.ts'

export const IF_MATCH: Option<string> = {
  ...text('if-match', 'Change it only if it still has this version, as "show" prints it', {
    value: 'VERSION',
  }),
  parse: (given) => (/^\d+$/.test(given) ? `"${given}"` : given),
}

/** An object and its version. A change is refused if the version has changed since. */
export interface Versioned {
  item: Item
  etag: string
}

/** @throws as `AdminApi.ask` */
export async function readVersioned({ api, input }: Call, path: string): Promise<Versioned> {
  const { body, etag } = await api.ask({ operation: `GET ${path}` })
  if (etag === null) throw new CliError('failed', 'The response has no version.')
  return { item: asItem(body), etag: input.get(IF_MATCH) ?? etag }
}

/** Reads an object and sends a change with its version. @throws as `AdminApi.ask` */
export async function update(
  call: Call,
  path: string,
  edit: (item: Item) => Record<string, unknown>,
): Promise<ApiResponse> {
  const { item, etag } = await readVersioned(call, path)
  return call.api.ask({ operation: `PATCH ${path}`, body: edit(item), etag })
}

import { type ApiAnswer, asItem, type Item } from '../api/admin_api.ts'
import type { Call } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { type Option, text } from '../core/option.ts'

/** Whoever has read a version by `--json` can insist on it. */
export const IF_MATCH: Option<string> = {
  ...text('if-match', 'Only where it still is this version, which "show" tells', { value: 'VERSION' }),
  parse: (given) => (/^\d+$/.test(given) ? `"${given}"` : given),
}

/** A thing as it was read, for a change that holds only while it is still so. */
export interface Versioned {
  item: Item
  etag: string
}

/** @throws as `AdminApi.ask` */
export async function readVersioned({ api, input }: Call, path: string): Promise<Versioned> {
  const { body, etag } = await api.ask({ operation: `GET ${path}` })
  if (etag === null) throw new CliError('failed', 'The server names no version of it.')
  return { item: asItem(body), etag: input.get(IF_MATCH) ?? etag }
}

/** Changes what is given, where nobody has changed it since it was read. @throws as `AdminApi.ask` */
export async function update(
  call: Call,
  path: string,
  edit: (item: Item) => Record<string, unknown>,
): Promise<ApiAnswer> {
  const { item, etag } = await readVersioned(call, path)
  return call.api.ask({ operation: `PATCH ${path}`, body: edit(item), etag })
}

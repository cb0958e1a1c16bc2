import { randomBytes } from 'node:crypto'
import type { RowValues } from './file_row.ts'
import type { ImportKind } from './import_kind.ts'
import { given, integerOf, listOf, requireText, textOf, truthOf } from './row_values.ts'

/** So that scanners find a secret that leaks; 256 random bits follow. */
const SECRET_PREFIX = 'sps_'
const SECRET_BYTES = 32

/** @param api The API of rows without one. */
export function clientRows(api: string | undefined): ImportKind {
  return {
    what: 'clients',
    one: 'client',
    operation: 'POST /clients/import',
    options: {},
    columns: [
      { name: 'client_id', summary: '1 to 64 letters, digits, `.`, `_`, `-`' },
      { name: 'name', summary: 'what people call it' },
      { name: 'api', summary: 'the API that its tokens are for; that of --api where absent' },
      {
        name: 'grants',
        summary: 'of `password`, `client_credentials`; separated by `,` or a vertical bar, or a JSON list',
        isList: true,
      },
      { name: 'scopes', summary: 'in the same way', isList: true },
      {
        name: 'origins',
        summary: 'the exact origins of its pages, in the same way; https, or http on a loopback address',
        isList: true,
      },
      { name: 'confidential', summary: '`true` where absent; `false` for one that can keep no secret' },
      { name: 'enabled', summary: '`true` where absent' },
      { name: 'access_token_lifetime', summary: 'seconds; that of the API where absent' },
      { name: 'refresh_token_lifetime', summary: 'the same' },
      { name: 'client_secret', summary: 'in the clear, 32 characters or more; one is made where absent' },
    ],
    nameOf: (values) => String(values.client_id ?? '–'),
    keysOf: ({ client_id, client_secret }) => [
      { what: 'client_id', value: String(client_id) },
      ...(client_secret === undefined ? [] : [{ what: 'client_secret', value: String(client_secret) }]),
    ],
    toRow: (values) => ({ row: toClient(values, api), password: null }),
    complete: withSecret,
    secretOf: (sent, asked) =>
      sent.client_secret === asked.client_secret
        ? null
        : { client_id: String(sent.client_id), client_secret: String(sent.client_secret) },
  }
}

function toClient(values: RowValues, api: string | undefined) {
  return given({
    client_id: requireText(textOf(values, 'client_id'), 'client_id'),
    name: textOf(values, 'name'),
    api: requireText(textOf(values, 'api') ?? api, 'api', '--api'),
    grants: listOf(values, 'grants'),
    scopes: listOf(values, 'scopes'),
    origins: listOf(values, 'origins'),
    confidential: truthOf(values, 'confidential'),
    enabled: truthOf(values, 'enabled'),
    access_token_lifetime: integerOf(values, 'access_token_lifetime'),
    refresh_token_lifetime: integerOf(values, 'refresh_token_lifetime'),
    client_secret: textOf(values, 'client_secret'),
  })
}

/** The secret is made here, and not by the server: a response that is lost then loses none. */
function withSecret(row: Readonly<Record<string, unknown>>) {
  if (row.confidential === false || row.client_secret !== undefined) return row
  return { ...row, client_secret: SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64url') }
}

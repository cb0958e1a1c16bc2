import { randomBytes } from 'node:crypto'
import { IMPORT_FIELDS, type RecordField } from '../api/record_fields.ts'
import { compact } from '../core/compact.ts'
import type { ImportColumn, RowValues } from './file_row.ts'
import type { ImportKind } from './import_kind.ts'
import { integerOf, listOf, objectOf, readAll, requireText, textOf, truthOf } from './row_values.ts'

/** Secret scanners find a leaked secret by this prefix. 256 random bits follow it. */
const SECRET_PREFIX = 'sps_'
const SECRET_BYTES = 32

/** @param api The API of rows without a value in the column `api`. */
export function clientRows(api: string | undefined): ImportKind {
  return {
    what: 'clients',
    one: 'client',
    operation: 'POST /clients/import',
    options: {},
    columns: IMPORT_FIELDS.map(toColumn),
    names: ['name'],
    nameOf: (values) => String(values.client_id ?? '–'),
    keysOf: ({ client_id, client_secret }) => [
      { what: 'client_id', value: String(client_id) },
      ...(client_secret === undefined ? [] : [{ what: 'client_secret', value: String(client_secret) }]),
    ],
    toRow: (values) => ({ row: toClient(values, api), password: null }),
    complete: withSecret,
    secretOf: (sent, given) =>
      sent.client_secret === given.client_secret
        ? null
        : { client_id: String(sent.client_id), client_secret: String(sent.client_secret) },
  }
}

function toColumn({ name, description, kind }: RecordField): ImportColumn {
  const summary = name === 'api' ? `${description}. Default: --api` : description
  return { name, summary, isList: kind === 'list' }
}

function toClient(values: RowValues, api: string | undefined) {
  const readers = IMPORT_FIELDS.map((field) => [field.name, () => readValue(field, values)] as const)
  return compact(
    readAll<Record<string, unknown>>({
      ...Object.fromEntries(readers),
      client_id: () => requireText(textOf(values, 'client_id'), 'client_id'),
      api: () => requireText(textOf(values, 'api') ?? api, 'api', '--api'),
    }),
  )
}

/** @throws RowRefused */
function readValue({ name, kind }: RecordField, values: RowValues): unknown {
  if (kind === 'list') return listOf(values, name)
  if (kind === 'flag') return truthOf(values, name)
  if (kind === 'json') return objectOf(values, name)
  return kind === 'seconds' ? integerOf(values, name) : textOf(values, name)
}

/** The CLI makes the secret, not the server, so that a lost response does not lose the secret. */
function withSecret(row: Readonly<Record<string, unknown>>) {
  const hasKeys = Boolean(row.jwks ?? row.jwks_uri)
  if (row.confidential === false || row.client_secret !== undefined || hasKeys) return row
  return { ...row, client_secret: SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64url') }
}

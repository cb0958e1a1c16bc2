import { stringify } from 'yaml'
import type { Client } from '../api/schemas.ts'
import { FILE_FIELDS } from './client_file.ts'

const TITLE = '# The clients of a token service, by id. The file has no secrets.\n'

/** The clients as a document that `parseClientFile` reads. */
export function formatClientFile(clients: readonly Client[]): string {
  return TITLE + stringify(toDocument(clients), { lineWidth: 0 })
}

/** The fields of each client by its id, and without its secrets. */
export function toDocument(clients: readonly Client[]) {
  return { clients: Object.fromEntries(clients.map((client) => [client.client_id, fieldsOf(client)])) }
}

/**
 * The fields for the file. `enabled: true` is left out: an operator can disable a client in an emergency, and the next run must not
 * enable it.
 */
function fieldsOf(client: Client): Record<string, unknown> {
  const values = new Map<string, unknown>(Object.entries(client))
  const written = FILE_FIELDS.filter(({ name }) => !(name === 'enabled' && client.enabled))
  return Object.fromEntries(written.map(({ name }) => [name, values.get(name)]))
}

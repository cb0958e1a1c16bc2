import { readdirSync, readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import {
  ensureOperatorClients,
  OPERATOR_CLIENT_IDS,
  SELECT_OPERATOR_CLIENTS,
} from '../../scripts/operator_clients.ts'
import { sqlPrinter } from '../../scripts/sql_printer.ts'
import { ClientAdminStore } from '../../src/clients/client_admin_store.ts'
import { decodeClientRecord } from '../../src/clients/client_record.ts'

const ISSUER = 'https://id.shop.test'

/** Runs the SQL that a deployment prints. @returns the number of statements */
async function ensure(database: DatabaseSync, now: number): Promise<number> {
  const lines: string[] = []
  const clients = new ClientAdminStore(sqlPrinter((line) => lines.push(line)))
  const present = database.prepare(SELECT_OPERATOR_CLIENTS).all().map(decodeClientRecord)
  await ensureOperatorClients(clients, present, { issuer: ISSUER, adminApi: { name: 'admin' }, now })
  for (const line of lines) database.exec(line)
  return lines.length
}

it('a deployment renews the settings of the console of an older version, and changes no other setting of the clients', async () => {
  const database = new DatabaseSync(':memory:')
  for (const file of readdirSync('migrations').toSorted())
    database.exec(readFileSync(`migrations/${file}`, 'utf8'))
  expect(await ensure(database, 100)).toBe(2)
  database.exec(
    `UPDATE clients SET grants = '["password"]', redirect_uris = '[]', first_party = 0, enabled = 0`,
  )
  expect(await ensure(database, 200)).toBeGreaterThan(0)
  expect(await ensure(database, 300)).toBe(0)
  const [cli, console] = OPERATOR_CLIENT_IDS.map((id) =>
    database
      .prepare(
        `SELECT grants, redirect_uris, post_logout_redirect_uris, first_party, enabled, updated_at,
          (SELECT count(*) FROM copy_changes WHERE name = 'client:' || client_id) AS changes
         FROM clients WHERE client_id = ?`,
      )
      .get(id),
  )
  const unchanged = { grants: '["password"]', redirect_uris: '[]', first_party: 0, updated_at: null }
  expect(cli).toMatchObject({ ...unchanged, enabled: 0 })
  expect(console).toEqual({
    grants: '["authorization_code","refresh_token"]',
    redirect_uris: `["${ISSUER}/console/callback"]`,
    post_logout_redirect_uris: `["${ISSUER}/console/signed-out"]`,
    first_party: 1,
    enabled: 0,
    updated_at: 200,
    changes: 1,
  })
})

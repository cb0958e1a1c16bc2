import type { ClientAdminStore } from '../src/clients/client_admin_store.ts'
import { CLIENT_RECORD_COLUMNS, type ClientRecord } from '../src/clients/client_record.ts'
import { type ClientEditValues, type ClientValues, fromDraft } from '../src/clients/client_values.ts'
import type { ApiConfig } from '../src/config/config.ts'
import { CONSOLE_CLIENT, consoleAddressesOf } from '../src/console/console_client.ts'

/** The command line. It signs operators in by browser, with a loopback redirect (RFC 8252 §7.3), or by password. */
const CLI: Partial<ClientValues> & Pick<ClientValues, 'id' | 'grants'> = {
  id: 'sallyport-cli',
  name: 'Sallyport command line',
  grants: ['password', 'authorization_code', 'refresh_token'],
  redirectUris: ['http://127.0.0.1/callback'],
  isFirstParty: true,
}

/** The public clients with which operators sign in. */
export const OPERATOR_CLIENT_IDS = [CLI.id, CONSOLE_CLIENT] as const

/** Reads the present clients of OPERATOR_CLIENT_IDS, for `decodeClientRecord`. */
export const SELECT_OPERATOR_CLIENTS = `SELECT ${CLIENT_RECORD_COLUMNS} FROM clients c
  WHERE c.client_id IN ('${OPERATOR_CLIENT_IDS.join("', '")}')`.replace(/\s+/g, ' ')

/** The settings of the console's client that follow from the code and from the issuer. */
function consoleSettings(issuer: string) {
  const { redirectUri, signedOutUri } = consoleAddressesOf(issuer)
  return {
    grants: ['authorization_code', 'refresh_token'],
    redirectUris: [redirectUri],
    postLogoutRedirectUris: [signedOutUri],
    isFirstParty: true,
    idTokenAlgorithm: 'ES256',
  } satisfies ClientEditValues
}

interface Installation {
  issuer: string
  adminApi: Pick<ApiConfig, 'name'>
  /** Unix seconds. */
  now: number
}

/**
 * Adds the missing clients of operators, and renews the settings of the console's client. The command line's client keeps the
 * settings of the operator.
 *
 * @param present The present clients of OPERATOR_CLIENT_IDS.
 */
export async function ensureOperatorClients(
  clients: Pick<ClientAdminStore, 'add' | 'change'>,
  present: readonly ClientRecord[],
  { issuer, adminApi, now }: Installation,
): Promise<void> {
  const settings = consoleSettings(issuer)
  const wanted = [CLI, { ...settings, id: CONSOLE_CLIENT, name: 'Sallyport console' }]
  for (const client of wanted) {
    if (present.some(({ id }) => id === client.id)) continue
    const { id: client_id, grants } = client
    const draft = fromDraft({ client_id, api: adminApi.name, grants, confidential: false })
    await clients.add({ ...draft, ...client }, { secret: null, now }, [])
  }
  const console = present.find(({ id }) => id === CONSOLE_CLIENT)
  if (console && !hasSettings(console, settings))
    await clients.change(CONSOLE_CLIENT, settings, { versions: null, now }, [])
}

function hasSettings(client: ClientRecord, settings: ClientEditValues): boolean {
  const values = new Map<string, unknown>(Object.entries(client))
  return Object.entries(settings).every(
    ([name, value]) => JSON.stringify(values.get(name)) === JSON.stringify(value),
  )
}

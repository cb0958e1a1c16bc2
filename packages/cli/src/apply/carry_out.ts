import { randomUUID } from 'node:crypto'
import type { AdminApi } from '../api/admin_api.ts'
import { EDIT_FIELDS } from '../api/client_fields.ts'
import { ProblemError } from '../api/problem.ts'
import type { ClientEdit, ClientWithSecret } from '../api/schemas.ts'
import { CliError } from '../core/exit_code.ts'
import type { Change, Creation, Plan } from './plan.ts'

/** One change of a plan. */
export interface Step {
  verb: 'create' | 'change' | 'disable'
  client_id: string
  /** @returns the new client; null if the step creates none. @throws as `AdminApi.ask`; CliError if the client has changed */
  run(): Promise<ClientWithSecret | null>
}

/** The steps of a plan, in order. */
export function stepsOf(api: AdminApi, { create, change, disable }: Plan): Step[] {
  return [
    ...create.map((creation) => ({
      verb: 'create' as const,
      client_id: creation.client_id,
      run: () => createClient(api, creation),
    })),
    ...change.map((planned) => toStep(api, 'change', planned)),
    ...disable.map((planned) => toStep(api, 'disable', planned)),
  ]
}

function toStep(api: AdminApi, verb: 'change' | 'disable', planned: Change): Step {
  const { client_id } = planned
  const run = async () => {
    await changeClient(api, planned).catch((error) => {
      throw explainStale(error, client_id)
    })
    return null
  }
  return { verb, client_id, run }
}

/** With an idempotency key, a lost response does not lose the secret. */
function createClient(api: AdminApi, { draft }: Creation): Promise<ClientWithSecret> {
  return api.read({ operation: 'POST /clients', body: draft, idempotencyKey: randomUUID() })
}

async function changeClient(api: AdminApi, { client_id, fields, etag }: Change): Promise<void> {
  const path = { client_id }
  const values = new Map(fields.map(({ field, to }) => [field, to]))
  const edit = EDIT_FIELDS.filter(({ name }) => values.has(name)).map(({ name }) => [name, values.get(name)])
  let version = etag
  if (edit.length > 0) {
    const body: ClientEdit = Object.fromEntries(edit)
    const changed = await api.ask({ operation: 'PATCH /clients/{client_id}', path, body, etag })
    version = changed.etag ?? version
  }
  const isEnabled = values.get('enabled')
  if (isEnabled === undefined) return
  const operation = `POST /clients/{client_id}/${isEnabled === true ? 'enable' : 'disable'}` as const
  await api.ask({ operation, path, etag: version })
}

function explainStale(error: unknown, clientId: string): unknown {
  if (!(error instanceof ProblemError && error.status === 412)) return error
  return new CliError('conflict', `${clientId} has changed since the plan was made.`, { cause: error })
}

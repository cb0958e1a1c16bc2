import { randomUUID } from 'node:crypto'
import type { AdminApi } from '../api/admin_api.ts'
import { EDIT_FIELDS } from '../api/record_fields.ts'
import type { ClientEdit, ClientWithSecret } from '../api/schemas.ts'
import type { Change, Creation, Plan } from './plan.ts'
import { type ClientChange, sendChange } from './send_change.ts'

/** One change of a plan. */
export interface Step {
  client_id: string
  /** @returns the result as a sentence. @throws as `AdminApi.ask`; CliError if the client has changed */
  run(): Promise<StepResult>
}

export interface StepResult {
  /** One sentence without its full stop. */
  sentence: string
  /** The new client; null if the step creates none. */
  created: ClientWithSecret | null
  /** Whether every location uses the change within seconds. */
  areCopiesNew: boolean
}

/** The steps of a plan, in order. */
export function stepsOf(api: AdminApi, { create, change, disable }: Plan): Step[] {
  return [
    ...create.map((creation) => ({
      client_id: creation.client_id,
      run: () => createClient(api, creation),
    })),
    ...change.map((planned) => toStep(api, 'Changed', planned)),
    ...disable.map((planned) => toStep(api, 'Disabled', planned)),
  ]
}

function toStep(api: AdminApi, verb: 'Changed' | 'Disabled', planned: Change): Step {
  const { client_id, ends } = planned
  const sentence = `${verb} ${client_id}${ends === null ? '' : `: ${ends.text} ended`}`
  const run = async () => ({ sentence, created: null, areCopiesNew: await changeClient(api, planned) })
  return { client_id, run }
}

/** With an idempotency key, a lost response does not lose the secret. */
async function createClient(api: AdminApi, { client_id, draft }: Creation): Promise<StepResult> {
  const created = await api.read({ operation: 'POST /clients', body: draft, idempotencyKey: randomUUID() })
  return { sentence: `Created ${client_id}`, created, areCopiesNew: true }
}

/** @returns whether the last request renewed the copies of the client, which then have every change */
async function changeClient(api: AdminApi, planned: Change): Promise<boolean> {
  let saved = { etag: planned.etag, areCopiesNew: true }
  for (const change of requestsOf(planned)) saved = await sendChange(api, change, saved.etag)
  return saved.areCopiesNew
}

/** `enabled` has its own operations. */
function requestsOf({ client_id, fields }: Change): ClientChange[] {
  const path = { client_id }
  const values = new Map(fields.map(({ field, to }) => [field, to]))
  const edit = EDIT_FIELDS.filter(({ name }) => values.has(name)).map(({ name }) => [name, values.get(name)])
  const body: ClientEdit = Object.fromEntries(edit)
  const edited = fields.filter(({ field }) => field !== 'enabled')
  const state = fields.filter(({ field }) => field === 'enabled')
  return [
    ...(edited.length === 0
      ? []
      : [{ request: { operation: 'PATCH /clients/{client_id}', path, body }, fields: edited } as const]),
    ...state.map(({ to }) => {
      const operation = `POST /clients/{client_id}/${to === true ? 'enable' : 'disable'}` as const
      return { request: { operation, path }, fields: state }
    }),
  ]
}

import type { AdminApi } from '../api/admin_api.ts'
import { EDIT_FIELDS } from '../api/record_fields.ts'
import type { ClientDraft } from '../api/schemas.ts'
import type { FileClient, FileProblem } from './client_file.ts'
import type { Plan } from './plan.ts'

/** Fields that the admin API changes. `enabled` has its own operations. */
const CHANGEABLE = new Set([...EDIT_FIELDS.map(({ name }) => name), 'enabled'])
/** The maximum number of rows in an import. */
const BATCH = 100

/**
 * Finds every reason for which the server would refuse a new or changed client. The server checks the values in the dry run of an
 * import, which checks a row also if the client exists.
 *
 * @throws as `AdminApi.ask`
 */
export async function findProblems(
  api: AdminApi,
  file: readonly FileClient[],
  plan: Plan,
): Promise<FileProblem[]> {
  const touched = new Set([...plan.create, ...plan.change].map(({ client_id }) => client_id))
  const clients = file.filter(({ draft }) => touched.has(draft.client_id))
  const refused = await findRefusals(api, clients)
  return [...findFixedFields(clients, plan), ...refused]
}

/** A problem for each new value of a field that cannot change. */
function findFixedFields(clients: readonly FileClient[], { change }: Plan): FileProblem[] {
  return clients.flatMap(({ line, draft }) => {
    const fields = change.find(({ client_id }) => client_id === draft.client_id)?.fields ?? []
    return fields
      .filter(({ field }) => !CHANGEABLE.has(field))
      .map(({ field, from }) => ({
        line,
        path: `clients.${draft.client_id}.${field}`,
        message: `cannot change from ${String(from)}. Use another client id`,
      }))
  })
}

async function findRefusals(api: AdminApi, clients: readonly FileClient[]): Promise<FileProblem[]> {
  const problems: FileProblem[] = []
  for (let start = 0; start < clients.length; start += BATCH) {
    const batch = clients.slice(start, start + BATCH)
    const reasons = await dryRun(
      api,
      batch.map(({ draft }) => draft),
    )
    for (const [i, { line, draft }] of batch.entries()) {
      const message = reasons.get(i)
      if (message !== undefined) problems.push({ line, path: `clients.${draft.client_id}`, message })
    }
  }
  return problems
}

/** The reasons of the refused rows, by index. */
async function dryRun(api: AdminApi, rows: readonly ClientDraft[]): Promise<ReadonlyMap<number, string>> {
  const { results } = await api.read({ operation: 'POST /clients/import', body: { rows, dry_run: true } })
  const refused = results.filter(({ status }) => status === 'refused')
  return new Map(refused.map(({ index, reason }) => [index, reason ?? 'was refused']))
}

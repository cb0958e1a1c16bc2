import { setTimeout as sleep } from 'node:timers/promises'
import type { AdminApi, ApiRequest } from '../api/admin_api.ts'
import { ProblemError } from '../api/problem.ts'
import { CliError } from '../core/exit_code.ts'
import { type FieldChange, hasValues, readVersion } from './plan.ts'

type ChangeOperation =
  | 'PATCH /clients/{client_id}'
  | 'POST /clients/{client_id}/enable'
  | 'POST /clients/{client_id}/disable'

/** A request that changes a client, and the values that it sets. */
export interface ClientChange {
  request: ApiRequest<ChangeOperation>
  fields: readonly FieldChange[]
}

export interface SavedChange {
  /** The version of the changed client. */
  etag: string
  /** Whether every location uses the change within seconds. Otherwise KV did not take the copy of the client. */
  areCopiesNew: boolean
}

/**
 * Sends a change. If the server saved it but did not renew the copies of the client, the function sends it once more.
 *
 * @param etag The version that the client must have.
 * @throws as `AdminApi.ask`; CliError if the client has another version
 */
export async function sendChange(api: AdminApi, change: ClientChange, etag: string): Promise<SavedChange> {
  const saved = await sendOnce(api, change, etag)
  if (saved.areCopiesNew) return saved
  await sleep(saved.retryAfterSeconds * 1000)
  return sendOnce(api, change, saved.etag)
}

async function sendOnce(
  api: AdminApi,
  { request, fields }: ClientChange,
  version: string,
): Promise<SavedChange & { retryAfterSeconds: number }> {
  const { client_id } = request.path
  try {
    const { etag } = await api.ask({ ...request, etag: version })
    return { etag: etag ?? version, areCopiesNew: true, retryAfterSeconds: 0 }
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    if (error.status === 412) throw changedMeanwhile(client_id, error)
    if (!error.problem.type.endsWith(':copies-not-renewed')) throw error
    const { client, etag } = await readVersion(api, client_id)
    if (!hasValues(client, fields)) throw changedMeanwhile(client_id, error)
    return { etag, areCopiesNew: false, retryAfterSeconds: error.retryAfterSeconds }
  }
}

function changedMeanwhile(clientId: string, cause: Error): CliError {
  return new CliError('conflict', `${clientId} has changed since the plan was made.`, { cause })
}

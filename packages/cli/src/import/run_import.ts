import type { AdminApi } from '../api/admin_api.ts'
import type { Responses } from '../api/schemas.ts'
import { CliError } from '../core/exit_code.ts'
import { inOrder, type NumberedRow, toBatches } from './batches.ts'
import type { ImportFile } from './import_file.ts'
import type { ImportKind } from './import_kind.ts'
import type { Progress } from './progress.ts'
import type { Report } from './report.ts'
import { ROW_ACTION, readGoodRows, type Scan } from './scan.ts'

/** The number of batches that run in parallel. */
const BATCHES_AT_ONCE = 4

export interface Tally {
  created: number
  updated: number
  exists: number
  refused: number
  /** The number of created or updated rows by the scheme of their password hash. */
  passwords: Record<string, number>
}

/** A new client and its secret. The secret is shown only once. */
export interface MadeSecret {
  client_id: string
  client_secret: string
}

export interface ImportRun {
  file: ImportFile
  kind: ImportKind
  api: AdminApi
  progress: Progress
  report: Report
  /** Called when a response was lost, before the batch is sent again. */
  onRetry: () => void
  /** Whether to stop after the running batches. */
  isStopped: () => boolean
}

type RowResult = Responses[ImportKind['operation']]['results'][number]
type Status = RowResult['status']

interface Sent {
  batch: readonly NumberedRow[]
  rows: readonly Readonly<Record<string, unknown>>[]
  results: readonly RowResult[]
  /** Whether a response was lost, and the first try may have done the work. */
  isInDoubt: boolean
}

/**
 * Sends the valid rows of a file. A dry run also sets the planned action of each row, so that the import skips rows without a
 * change.
 *
 * @param onSecret Called with each new secret as soon as the server has created its client.
 * @throws CliError, TokenRequestError if a batch fails. Earlier batches stay, and a second run does not add them again.
 */
export async function runImport(
  run: ImportRun,
  scan: Scan,
  { isDryRun, onSecret }: { isDryRun: boolean; onSecret: (secret: MadeSecret) => void },
): Promise<Tally> {
  const tally: Tally = { created: 0, updated: 0, exists: 0, refused: 0, passwords: {} }
  const batches = untilStopped(toBatches(readGoodRows(run.file, run.kind, scan)), run.isStopped)
  const work = (batch: NumberedRow[]) => send(run, batch, isDryRun)
  for await (const sent of inOrder(batches, work, { atOnce: BATCHES_AT_ONCE })) {
    for (const [i, numbered] of sent.batch.entries()) {
      const { status, reason } = resultOf(sent, i, scan)
      count(tally, numbered, status)
      scan.plan[numbered.place] = ACTION_BY_STATUS[status]
      const { line, name } = numbered
      if (status === 'refused') run.report.refuse({ line, name, problems: [reason] })
      const secret =
        status === 'created' && !isDryRun ? run.kind.secretOf(sent.rows[i] ?? {}, numbered.row) : null
      if (secret !== null) onSecret(secret)
    }
    run.progress.add(sent.batch.length)
  }
  run.progress.clear()
  return tally
}

const ACTION_BY_STATUS: Readonly<Record<Status, number>> = {
  created: ROW_ACTION.create,
  updated: ROW_ACTION.update,
  exists: ROW_ACTION.none,
  refused: ROW_ACTION.none,
}

function count(tally: Tally, { password }: NumberedRow, status: Status): void {
  tally[status]++
  if (password === null || (status !== 'created' && status !== 'updated')) return
  tally.passwords[password] = (tally.passwords[password] ?? 0) + 1
}

async function* untilStopped<T>(items: AsyncIterable<T>, isStopped: () => boolean): AsyncGenerator<T> {
  for await (const item of items) {
    if (isStopped()) return
    yield item
  }
}

async function send(run: ImportRun, batch: readonly NumberedRow[], isDryRun: boolean): Promise<Sent> {
  const { kind, api } = run
  const rows = batch.map(({ row }) => (isDryRun ? row : kind.complete(row)))
  let wasRetried = false
  const onRetry = () => {
    wasRetried = true
    run.onRetry()
  }
  const body = { rows, dry_run: isDryRun, ...kind.options }
  const response = await api.ask({ operation: kind.operation, body, isRepeatable: true, onRetry })
  return { batch, rows, results: response.body.results, isInDoubt: wasRetried && !isDryRun }
}

/** After a retry, a row that the server reports as existing counts as planned: the first try may have written it. */
function resultOf(
  { results, isInDoubt, batch }: Sent,
  i: number,
  scan: Scan,
): { status: Status; reason: string } {
  const result = results.find(({ index }) => index === i)
  if (result === undefined || !(result.status in ACTION_BY_STATUS))
    throw new CliError('failed', 'The response does not have a result for each row.')
  const { status, reason } = result
  const planned = scan.plan[batch[i]?.place ?? 0] === ROW_ACTION.update ? 'updated' : 'created'
  return {
    status: status === 'exists' && isInDoubt ? planned : status,
    reason: reason ?? '',
  }
}

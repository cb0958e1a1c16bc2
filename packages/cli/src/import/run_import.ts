import { type AdminApi, asItem, asItems } from '../api/admin_api.ts'
import { CliError } from '../core/exit_code.ts'
import { inOrder, type NumberedRow, toBatches } from './batches.ts'
import type { ImportFile } from './import_file.ts'
import type { ImportKind } from './import_kind.ts'
import type { Progress } from './progress.ts'
import { FATE, type Refuse, readGoodRows, type Scan } from './scan.ts'

/** So many batches are on their way at a time. */
const BATCHES_AT_ONCE = 4

export interface Tally {
  created: number
  updated: number
  exists: number
  refused: number
  /** How many rows that are created or updated have a password of each kind: by the scheme of its hash. */
  passwords: Record<string, number>
}

/** A client that got a secret, which nothing shows again. */
export interface MadeSecret {
  client_id: string
  client_secret: string
}

export interface ImportRun {
  file: ImportFile
  kind: ImportKind
  api: AdminApi
  progress: Progress
  refuse: Refuse
  /** Hears that a response was lost and the batch is sent again. */
  onRetry: () => void
  /** Whether to stop after the batches that are on their way. */
  isStopped: () => boolean
}

interface Sent {
  batch: readonly NumberedRow[]
  rows: readonly Readonly<Record<string, unknown>>[]
  results: unknown
  /** Whether a response was lost, and the first try may have done the work. */
  isInDoubt: boolean
}

/**
 * Sends the good rows of a file. Where nothing is to be changed, those that would not be created stop being good.
 *
 * @param onSecret Hears each secret that was made, as soon as its client is there.
 * @throws CliError, TokenRequestError where a batch fails: those before it stand, and repeating them adds nothing twice
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
      scan.fates[numbered.place] = FATES[status]
      if (status === 'refused') run.refuse(numbered.line, numbered.name, reason)
      const secret =
        status === 'created' && !isDryRun ? run.kind.secretOf(sent.rows[i] ?? {}, numbered.row) : null
      if (secret !== null) onSecret(secret)
    }
    run.progress.add(sent.batch.length)
  }
  run.progress.clear()
  return tally
}

type Status = 'created' | 'updated' | 'exists' | 'refused'

const FATES: Readonly<Record<Status, number>> = {
  created: FATE.create,
  updated: FATE.update,
  exists: FATE.none,
  refused: FATE.none,
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
  return { batch, rows, results: asItem(response.body).results, isInDoubt: wasRetried && !isDryRun }
}

/** A row that a first try has changed, and that a second try finds done, counts as planned. */
function resultOf(
  { results, isInDoubt, batch }: Sent,
  i: number,
  scan: Scan,
): { status: Status; reason: string } {
  const result = asItems(results).find(({ index }) => index === i)
  const status = result?.status
  if (status !== 'created' && status !== 'updated' && status !== 'exists' && status !== 'refused') {
    throw new CliError('failed', 'The server did not say what became of each row.')
  }
  const planned = scan.fates[batch[i]?.place ?? 0] === FATE.update ? 'updated' : 'created'
  return {
    status: status === 'exists' && isInDoubt ? planned : status,
    reason: String(result?.reason ?? ''),
  }
}

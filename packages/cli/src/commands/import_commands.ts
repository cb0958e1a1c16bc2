import { toCliError } from '../api/problem.ts'
import type { Call, Command } from '../core/command.ts'
import { compact } from '../core/compact.ts'
import { countOf } from '../core/count.ts'
import { CliError } from '../core/exit_code.ts'
import { JSON_OUTPUT, YES } from '../core/input.ts'
import { flag, type Option, text } from '../core/option.ts'
import { stopOnInterrupt } from '../core/stop_on_interrupt.ts'
import { clientRows } from '../import/client_rows.ts'
import type { ImportKind } from '../import/import_kind.ts'
import { Progress } from '../import/progress.ts'
import { Report } from '../import/report.ts'
import { type ImportRun, type MadeSecret, runImport, type Tally } from '../import/run_import.ts'
import { countPlanned, ROW_ACTION, type Scan, scan } from '../import/scan.ts'
import { userRows } from '../import/user_rows.ts'
import { FILE_OPTIONS, PRESET, readFileOptions } from './import_options.ts'
import { readUserRowOptions, USER_OPTIONS, VERIFY_WITH, verifyKnownPasswords } from './import_user_options.ts'
import { describePasswords, describeTally, nameChanges } from './import_words.ts'
import { formatJson } from './output.ts'
import { ASKS_FOR_PASSWORD, HAS_ADMIN_POWER } from './own_password.ts'
import { adviceForLost, SecretOutput } from './secret_output.ts'

const DRY_RUN = flag('dry-run', 'Show the result without changing anything')
const REPORT = text('report', 'Write the refused rows to this file, not to standard error', {
  value: 'FILE',
})
const DEFAULT_API = text('api', 'The API for rows without one')
const OPTIONS: readonly Option[] = [...FILE_OPTIONS, DRY_RUN, YES, REPORT]
const FILE = { name: 'FILE', summary: 'The rows, in UTF-8' }

const DETAILS =
  'The command first makes a dry run of the whole file and then asks for confirmation (--yes skips this). It reports each ' +
  'refused row with its line and the reason, and imports the other rows. A second run skips the rows that exist on the server. The exit code ' +
  'is 1 if a row was refused. '

const importUsers: Command = {
  name: 'import users',
  summary: 'Import users from another system, with their password hashes',
  details: `${DETAILS}To import verified addresses or a user with the role admin, or to replace hashes, ${ASKS_FOR_PASSWORD}\n${columnsOf(userRows({}))}`,
  arguments: [FILE],
  options: [PRESET, ...USER_OPTIONS, ...OPTIONS],
  operations: ['POST /users/import', 'POST /users/import/verify', 'POST /me/confirm'],
  run: (call) => runCommand(call, userRows(readUserRowOptions(call))),
}

const importClients: Command = {
  name: 'import clients',
  summary: 'Import clients from another system. New secrets are printed as CSV',
  details: `${DETAILS}To import a client that ${HAS_ADMIN_POWER}, ${ASKS_FOR_PASSWORD}\n${columnsOf(clientRows(undefined))}`,
  arguments: [FILE],
  options: [...OPTIONS, DEFAULT_API],
  operations: ['POST /clients/import'],
  run: (call) => runCommand(call, clientRows(call.input.get(DEFAULT_API))),
}

export const IMPORT_COMMANDS: readonly Command[] = [importUsers, importClients]

function columnsOf({ columns }: ImportKind): string {
  return `Columns: ${columns.map(({ name }) => name).join(', ')}.`
}

async function runCommand(call: Call, kind: ImportKind): Promise<void> {
  const { input, terminal } = call
  const progress = new Progress(terminal.hasProgress)
  const say = (line: string) => {
    progress.clear()
    terminal.say(line)
  }
  const report = await Report.open(input.get(REPORT), say)
  const stop = stopOnInterrupt(() => say('Stopping after the running batches …'))
  try {
    const onRetry = () => say('No response; the batch is sent again …')
    const file = readFileOptions(call, kind)
    await runSteps(call, { file, kind, api: call.api, progress, report, onRetry, isStopped: stop.isStopped })
  } finally {
    stop.release()
    progress.clear()
    await report.show()
  }
}

/** Checks the file, verifies known passwords, runs the dry run, asks, and imports. */
async function runSteps(call: Call, run: ImportRun): Promise<void> {
  const { input, terminal } = call
  const { kind, progress } = run
  const found = await scan(run.file, kind, run.report)
  const good = countPlanned(found, ROW_ACTION.create)
  const known = input.get(VERIFY_WITH)
  if (known !== undefined) await verifyKnownPasswords(call, run, { found, path: known })
  progress.begin('Dry run', good)
  const trial = await runImport(run, found, { isDryRun: true, onSecret: () => {} })
  const tried = { ...trial, refused: trial.refused + found.count - good }
  requireGoingOn(run)
  await run.report.show()
  terminal.say(`Dry run: ${describeTally(tried, kind, { created: 'to create', updated: 'to replace' })}`)
  const passwords = describePasswords(trial)
  if (passwords !== null) terminal.say(passwords)
  const changes = nameChanges(trial, kind)
  if (input.has(DRY_RUN) || changes === null) return finish(call, tried, { isDryRun: true, run })
  await terminal.confirm(`${changes}?`, input.has(YES))
  const { tally, secrets } = await create(call, run, found)
  await run.report.show()
  const total = { ...tally, exists: tally.exists + trial.exists, refused: tally.refused + tried.refused }
  const words = describeTally(total, kind, { created: 'created', updated: 'replaced' })
  terminal.say(`${run.isStopped() ? 'Stopped' : 'Done'}: ${words}`)
  finish(call, total, { isDryRun: false, ...(secrets.length > 0 ? { secrets } : {}), run })
}

async function create(
  { input, terminal, account }: Call,
  run: ImportRun,
  found: Scan,
): Promise<{ tally: Tally; secrets: MadeSecret[] }> {
  const secrets = new SecretOutput(terminal, { isJson: input.has(JSON_OUTPUT) })
  const isStopped = () => run.isStopped() || secrets.isBroken
  run.progress.begin(
    'Import',
    countPlanned(found, ROW_ACTION.create) + countPlanned(found, ROW_ACTION.update),
  )
  try {
    const onSecret = (secret: MadeSecret) => secrets.add(secret)
    const tally = await runImport({ ...run, isStopped }, found, { isDryRun: false, onSecret })
    secrets.requireWritten()
    return { tally, secrets: secrets.kept }
  } catch (error) {
    run.progress.clear()
    const cause = toCliError(error, account.server)
    terminal.say(`The import stopped. The rows that it created stay.${adviceFor(cause)}`)
    secrets.printKept()
    throw cause
  }
}

/** A second run helps only after an outage. A refusal would repeat. */
function adviceFor(cause: unknown): string {
  const isOutage = cause instanceof CliError && cause.exitCode === 'unavailable'
  return isOutage ? ' Run the command again for the rest.' : ''
}

/** @throws CliError if a row was refused, or the import was interrupted */
function finish(
  call: Call,
  tally: Tally,
  { isDryRun, secrets, run }: { isDryRun: boolean; secrets?: MadeSecret[]; run: ImportRun },
): void {
  if (call.input.has(JSON_OUTPUT)) {
    const { refused: rows, warnings } = run.report
    const result = formatJson({ dry_run: isDryRun, ...tally, ...compact({ secrets }), rows, warnings })
    call.terminal.printSecret(result, adviceForLost(secrets ?? []))
  }
  requireGoingOn(run)
  if (tally.refused > 0) {
    const verb = tally.refused === 1 ? 'was' : 'were'
    throw new CliError('failed', `${countOf(tally.refused, 'row', 'rows')} ${verb} refused.`)
  }
}

function requireGoingOn({ isStopped }: ImportRun): void {
  if (isStopped()) throw new CliError('interrupted', 'Interrupted. Run the command again for the rest.')
}

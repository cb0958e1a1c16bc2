import { type Step, stepsOf } from '../apply/carry_out.ts'
import { findProblems } from '../apply/check_plan.ts'
import { fileError, parseClientFile } from '../apply/client_file.ts'
import { isEmpty, makePlan, type Plan } from '../apply/plan.ts'
import { formatPlan, nameChanges, nameDisabled, toJson } from '../apply/show_plan.ts'
import type { Call, Command } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { JSON_OUTPUT, YES } from '../core/input.ts'
import { flag, text } from '../core/option.ts'
import { stopOnInterrupt } from '../core/stop_on_interrupt.ts'
import { readWholeText } from '../import/read_text.ts'
import { type NewSecrets, toFile, toJsonDocument, toStdout } from './new_secrets.ts'
import { formatJson, printJson } from './output.ts'
import { ASKS_FOR_PASSWORD, GAINS_POWER, HAS_ADMIN_POWER } from './own_password.ts'

const DRY_RUN = flag('dry-run', 'Print the plan without changing anything')
const DETAILED = flag('detailed-exit-code', 'With --dry-run: exit with 7 if the plan has changes')
const PRUNE = flag('prune', 'Disable the clients that the file does not have, except those of the admin API')
const SECRETS_FILE = text(
  'secrets-file',
  'Create this file with mode 0600, and write the new secrets to it',
  {
    value: 'FILE',
  },
)

const apply: Command = {
  name: 'apply',
  summary: 'Create and change clients so that they match a file',
  details:
    'The command shows a plan and asks for confirmation (--yes skips this). A field that the file does not have keeps its value. ' +
    'Without --prune, a client that the file does not have stays unchanged. New secrets are printed once, as CLIENT,SECRET. ' +
    `If the file creates or enables a client that ${HAS_ADMIN_POWER}, or such a client ${GAINS_POWER}, ${ASKS_FOR_PASSWORD}`,
  arguments: [{ name: 'FILE', summary: 'Default: sallyport.yml', isOptional: true }],
  options: [DRY_RUN, DETAILED, PRUNE, SECRETS_FILE, YES],
  operations: [
    'GET /clients',
    'GET /clients/{client_id}',
    'GET /sessions',
    'POST /clients/import',
    'POST /clients',
    'PATCH /clients/{client_id}',
    'POST /clients/{client_id}/enable',
    'POST /clients/{client_id}/disable',
  ],
  async run(call) {
    const { input, terminal } = call
    const plan = await planFile(call)
    if (input.has(DRY_RUN)) return showDryRun(call, plan)
    terminal.say(formatPlan(plan))
    if (isEmpty(plan)) return finish(call, plan, [])
    await confirm(call, plan)
    await carryOut(call, plan)
  },
}

export const APPLY_COMMANDS: readonly Command[] = [apply]

/** @throws CliError that lists every problem of the file */
async function planFile({ input, api }: Call): Promise<Plan> {
  const name = input.find('FILE') ?? 'sallyport.yml'
  const file = parseClientFile(await readWholeText(name), name)
  const plan = await makePlan(api, file, { isPruning: input.has(PRUNE) })
  const problems = await findProblems(api, file, plan)
  if (problems.length > 0) throw fileError(name, problems)
  return plan
}

function showDryRun(call: Call, plan: Plan): void {
  if (call.input.has(JSON_OUTPUT)) printJson(call, { dry_run: true, ...toJson(plan), secrets: [] })
  else call.terminal.print(formatPlan(plan))
  if (call.input.has(DETAILED) && !isEmpty(plan)) throw new CliError('changes', 'The plan has changes.')
}

async function confirm({ input, terminal, api }: Call, plan: Plan): Promise<void> {
  await api.requireRole('POST /clients')
  const isAgreed = input.has(YES)
  if (plan.create.length + plan.change.length > 0) await terminal.confirm(nameChanges(plan), isAgreed)
  if (plan.disable.length > 0) await terminal.confirm(nameDisabled(plan), isAgreed)
}

/** Runs every step, and stops at the first that fails. */
async function carryOut(call: Call, plan: Plan): Promise<void> {
  const secrets = openSecrets(call, plan)
  const stop = stopOnInterrupt(() => call.terminal.say('Stopping after the running change …'))
  try {
    await runSteps(call, stepsOf(call.api, plan), { secrets, isStopped: stop.isStopped })
  } finally {
    stop.release()
    secrets.close()
    finish(call, plan, secrets.kept)
  }
  call.terminal.say('Done.')
}

function openSecrets({ input, terminal }: Call, { create }: Plan): NewSecrets {
  const path = input.get(SECRETS_FILE)
  if (path !== undefined && create.some(({ draft }) => draft.confidential !== false)) return toFile(path)
  return input.has(JSON_OUTPUT) ? toJsonDocument() : toStdout(terminal)
}

interface Progress {
  secrets: NewSecrets
  isStopped(): boolean
}

/** @throws CliError at the end if the copies of a changed client are old */
async function runSteps({ terminal }: Call, steps: readonly Step[], progress: Progress): Promise<void> {
  const old: string[] = []
  for (const [done, { client_id, run }] of steps.entries()) {
    const place = `${client_id}, after ${done} of ${steps.length} changes. Run the command again for the rest.`
    if (progress.isStopped()) throw new CliError('interrupted', `Interrupted before ${place}`)
    try {
      const { sentence, created, areCopiesNew } = await run()
      if (created !== null && created.client_secret !== null) progress.secrets.add(created)
      if (!areCopiesNew) old.push(client_id)
      terminal.say(`${sentence}${areCopiesNew ? '' : ', but its copies are old'}.`)
    } catch (error) {
      terminal.say(`Stopped at ${place}`)
      throw error
    }
  }
  if (old.length > 0) throw oldCopies(old)
}

function oldCopies(clientIds: readonly string[]): CliError {
  return new CliError(
    'unavailable',
    `Every change is saved, but KV did not take the copies of ${clientIds.join(', ')}: refreshes use the change, other requests ` +
      'for tokens use it within 5 s, and preflights within an hour. Another change of the client renews its copies sooner.',
  )
}

/** Prints the JSON document with the kept secrets, also after a failure. @throws CliError if a secret is lost */
function finish({ input, terminal }: Call, plan: Plan, kept: NewSecrets['kept']): void {
  if (!input.has(JSON_OUTPUT)) return
  const secrets = kept.map(({ client_id, client_secret }) => ({ client_id, client_secret }))
  const advice = kept.map((secret) => secret.advice).join('\n')
  terminal.printSecret(formatJson({ dry_run: false, ...toJson(plan), secrets }), advice)
}

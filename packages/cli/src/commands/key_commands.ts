import { asItem, asItems, at } from '../api/admin_api.ts'
import type { Command } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { JSON_OUTPUT, YES } from '../core/input.ts'
import { integer } from '../core/option.ts'
import { formatTable } from '../core/table.ts'
import { member, moment, printItem, printJson, showTime } from './output.ts'

const COLUMNS = [
  member('Key', 'kid'),
  member('Algorithm', 'alg'),
  member('State', 'state'),
  moment('Made', 'created_at'),
  moment('Signs from', 'activates_at'),
  moment('Retires', 'retires_at'),
  member('Why', 'reason'),
]

const listKeys: Command = {
  name: 'keys list',
  summary: 'Signing keys, newest first, those that are gone too',
  operations: ['GET /keys'],
  async run(call) {
    const { terminal, input, api } = call
    const keys = await api.read({ operation: 'GET /keys' })
    if (input.has(JSON_OUTPUT)) return printJson(call, keys)
    const items = asItems(keys.items)
    if (items.length === 0) return terminal.say('No keys yet. The first token request creates one.')
    terminal.print(formatTable(items, COLUMNS, terminal.columns))
  },
}

/** As the admin API accepts it. */
const LEAD_SECONDS = { min: 480, max: 172_800 }

const LEAD = integer(
  'lead',
  `How long the key is published before it signs, ${LEAD_SECONDS.min} to ${LEAD_SECONDS.max}; 1800 by default`,
  {
    value: 'SECONDS',
    field: 'lead_seconds',
    range: LEAD_SECONDS,
  },
)

const rotateKeys: Command = {
  name: 'keys rotate',
  summary: 'Makes the next key sign early; no token is refused',
  details:
    'The key is published before it signs. A reader that keeps the JWKS for longer than that time, less 8 minutes, ' +
    'may meet a key that it does not know. If a next key exists, only a shorter time changes it.',
  options: [LEAD],
  operations: ['GET /keys', 'POST /keys/rotate'],
  async run(call) {
    const { input, api, terminal } = call
    const before = asItems((await api.read({ operation: 'GET /keys' })).items)
    const key = await api.read({ operation: 'POST /keys/rotate', query: input.query })
    printItem(call, key, COLUMNS)
    const isUnchanged = before.some(
      ({ kid, activates_at }) => kid === key.kid && activates_at === key.activates_at,
    )
    if (isUnchanged) terminal.say(`Unchanged: ${key.kid} signs from ${showTime(key.activates_at)}.`)
  },
}

const retireKey: Command = {
  name: 'keys retire',
  summary: 'Gives up a compromised key at once: every token that it signed is refused',
  details:
    'Everybody whose tokens are of that key must sign in again: you too, where it is the current one. ' +
    'On a terminal the command asks for your own password, without echo. Otherwise it is a line of standard input.',
  arguments: [{ name: 'KEY', summary: 'Its kid, as "keys list" shows it' }],
  options: [YES],
  operations: ['DELETE /keys/{kid}', 'POST /me/confirm'],
  async run(call) {
    const { terminal, input, api } = call
    const kid = input.argument('KEY')
    await terminal.confirm(`Give up the key ${kid}, and every token that it signed?`, input.has(YES))
    printItem(call, await api.read({ operation: `DELETE ${at('/keys/{}', kid)}` }), COLUMNS)
  },
}

const reseal: Command = {
  name: 'keys reseal',
  summary: 'Seals the keys under the newer secret, where SEALING_KEY is being changed',
  details: 'It fails where a key opens under neither secret, and names it.',
  operations: ['POST /keys/reseal'],
  async run(call) {
    const { terminal, input, api } = call
    const { body } = await api.ask({ operation: 'POST /keys/reseal', isRepeatable: true })
    const { resealed, unopened } = asItem(body)
    const [sealed, closed] = [resealed, unopened].map((kids) => (Array.isArray(kids) ? kids.map(String) : []))
    if (input.has(JSON_OUTPUT)) printJson(call, body)
    else for (const kid of sealed ?? []) terminal.print(kid)
    terminal.say(`Sealed anew: ${sealed?.length ?? 0}.`)
    if (closed?.length) throw new CliError('failed', `Neither secret opens: ${closed.join(', ')}`)
  },
}

export const KEY_COMMANDS: readonly Command[] = [listKeys, rotateKeys, retireKey, reseal]

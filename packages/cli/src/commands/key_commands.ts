import type { SigningKey } from '../api/schemas.ts'
import type { Command } from '../core/command.ts'
import { CliError } from '../core/exit_code.ts'
import { JSON_OUTPUT, YES } from '../core/input.ts'
import { choice, integer } from '../core/option.ts'
import { readBefore } from './change.ts'
import { listPrinter, member, moment, printDone, printJson, showTime, VIEW_OPTIONS } from './output.ts'
import { ASKS_FOR_PASSWORD } from './own_password.ts'

const COLUMNS = [
  member('Key', 'kid'),
  member('Algorithm', 'alg'),
  member('State', 'state'),
  moment('Created', 'created_at'),
  moment('Signs from', 'activates_at'),
  moment('Retires', 'retires_at'),
  member('Reason', 'reason'),
]

const listKeys: Command = {
  name: 'keys list',
  summary: 'List the signing keys, including retired keys, newest first',
  details: 'The first token request creates the first key.',
  options: VIEW_OPTIONS,
  operations: ['GET /keys'],
  async run(call) {
    const print = listPrinter(call, { shown: COLUMNS })
    print({ next_cursor: null, ...(await call.api.read({ operation: 'GET /keys' })) })
  },
}

/** The limits of the admin API. */
const LEAD_SECONDS = { min: 480, max: 172_800 }

const LEAD = integer(
  'lead',
  `How long the key is published before it signs, ${LEAD_SECONDS.min} to ${LEAD_SECONDS.max}. Default: 1800`,
  {
    value: 'SECONDS',
    field: 'lead_seconds',
    range: LEAD_SECONDS,
  },
)

const ALGORITHM = {
  ...choice(
    'alg',
    'The algorithm of the key that will sign earlier. Default: signing_algorithm of config.yml',
    ['ES256', 'RS256', 'PS256', 'EdDSA'],
  ),
  field: 'alg',
}

const rotateKeys: Command = {
  name: 'keys rotate',
  summary: 'Let the next key sign earlier. All tokens stay valid',
  details:
    'The server publishes the key at once. The key signs after the time of --lead. An API that caches the JWKS for longer than this ' +
    'time minus 8 minutes can get a token of a key that it does not know. If the next key exists ' +
    'already, the command can make it sign earlier, but not later.',
  options: [LEAD, ALGORITHM],
  operations: ['GET /keys', 'POST /keys/rotate'],
  async run(call) {
    const { input, api } = call
    const { items: before } = await api.read({ operation: 'GET /keys' })
    const key = await api.read({ operation: 'POST /keys/rotate', query: input.query })
    const isUnchanged = before.some(
      ({ kid, activates_at }) => kid === key.kid && activates_at === key.activates_at,
    )
    const result = `${key.kid} signs from ${showTime(key.activates_at)}.`
    printDone(call, key, isUnchanged ? `Unchanged: ${result}` : `The key ${result}`)
  },
}

const revokeKey: Command = {
  name: 'keys revoke',
  summary: 'Revoke a compromised key and all tokens that it signed',
  details:
    'All users with tokens of that key must sign in again. If the key has signed your tokens, you must too. ' +
    `To revoke the key, ${ASKS_FOR_PASSWORD}`,
  arguments: [{ name: 'KEY', summary: 'The id of the key (kid), from "keys list"' }],
  options: [YES],
  operations: ['GET /keys', 'DELETE /keys/{kid}', 'POST /me/confirm'],
  async run(call) {
    const { terminal, input, api } = call
    const kid = input.argument('KEY')
    await api.requireRole('DELETE /keys/{kid}')
    await terminal.confirm(`Revoke the key ${kid} and all tokens that it signed?`, input.has(YES))
    const before = await readBefore(() => api.read({ operation: 'GET /keys' }))
    const key = await api.read({ operation: 'DELETE /keys/{kid}', path: { kid } })
    const end = before?.items.find((item) => item.kid === kid && item.state === 'retired')
    printDone(
      call,
      key,
      end === undefined ? `Revoked the key ${kid}, with all tokens that it signed.` : describeEnd(end),
    )
  },
}

function describeEnd({ kid, reason, retires_at: at }: SigningKey): string {
  return `The key ${kid} was already ${reason === 'compromised' ? 'revoked' : 'retired'}, at ${showTime(at)}.`
}

const reseal: Command = {
  name: 'keys reseal',
  summary: 'Encrypt the keys with the new secret during a change of SEALING_KEY',
  details: 'If neither the new nor the previous secret decrypts a key, the command fails and names the key.',
  operations: ['POST /keys/reseal'],
  async run(call) {
    const { terminal, input, api } = call
    const body = await api.read({ operation: 'POST /keys/reseal', isRepeatable: true })
    const { resealed, unopened } = body
    if (input.has(JSON_OUTPUT)) printJson(call, body)
    else for (const kid of resealed) terminal.print(kid)
    terminal.say(`Encrypted with the new secret: ${resealed.length}.`)
    if (unopened.length > 0) throw new CliError('failed', `Neither secret decrypts: ${unopened.join(', ')}`)
  },
}

export const KEY_COMMANDS: readonly Command[] = [listKeys, rotateKeys, revokeKey, reseal]

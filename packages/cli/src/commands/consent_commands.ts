import type { Item } from '../api/admin_api.ts'
import type { Command } from '../core/command.ts'
import type { Column } from '../core/table.ts'
import { readBefore } from './change.ts'
import { listPrinter, member, moment, showTime, VIEW_OPTIONS } from './output.ts'
import { FIND, findPath, USER } from './user_argument.ts'

const SHOWN: readonly Column<Item>[] = [
  member('Consent', 'consent_id'),
  member('Client', 'client_id'),
  member('Redirect URI', 'redirect_uri'),
  member('Scopes', 'scopes'),
  moment('Given', 'updated_at'),
  moment('Withdrawn', 'withdrawn_at'),
]

const MORE: readonly Column<Item>[] = [
  member('Name', 'client_name'),
  member('API', 'api'),
  moment('First given', 'created_at'),
]

const consents: Command = {
  name: 'users consents',
  summary: 'List the consents of a user to third-party clients, newest first',
  arguments: [USER],
  options: [...VIEW_OPTIONS, ...FIND],
  operations: ['GET /users/{id}/consents'],
  async run(call) {
    const print = listPrinter(call, { shown: SHOWN, more: MORE })
    const path = await findPath(call)
    print({ next_cursor: null, ...(await call.api.read({ operation: 'GET /users/{id}/consents', path })) })
  },
}

const withdraw: Command = {
  name: 'users withdraw-consent',
  summary: 'Withdraw a consent of a user, and end the sessions that began under it',
  arguments: [USER, { name: 'CONSENT', summary: 'The id of a consent, from "users consents"' }],
  options: FIND,
  operations: ['GET /users/{id}/consents', 'DELETE /users/{id}/consents/{consent_id}'],
  async run(call) {
    const { input, api, terminal } = call
    const consent = input.argument('CONSENT')
    const user = await findPath(call)
    const before = await readBefore(() => api.read({ operation: 'GET /users/{id}/consents', path: user }))
    const withdrawnAt = before?.items.find(({ consent_id: id }) => id === consent)?.withdrawn_at ?? null
    const path = { ...user, consent_id: consent }
    await api.ask({ operation: 'DELETE /users/{id}/consents/{consent_id}', path, isRepeatable: true })
    terminal.say(
      withdrawnAt === null
        ? `Withdrew the consent ${consent}. The sessions that began under it ended.`
        : `The consent ${consent} was already withdrawn, at ${showTime(withdrawnAt)}.`,
    )
  },
}

export const CONSENT_COMMANDS: readonly Command[] = [consents, withdraw]

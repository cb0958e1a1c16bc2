import { countLiveSessions } from '../api/live_sessions.ts'
import type { User } from '../api/schemas.ts'
import type { Call, Command } from '../core/command.ts'
import { readBefore } from './change.ts'
import { printDone } from './output.ts'
import { ASKS_FOR_PASSWORD } from './own_password.ts'
import { FIND, findPath, USER } from './user_argument.ts'

const requirePasswordChange: Command = {
  name: 'users require-password-change',
  summary: 'Require a password change at the next sign-in',
  arguments: [USER],
  options: FIND,
  operations: ['GET /users/{id}', 'POST /users/{id}/require-password-change'],
  run: (call) =>
    runAction(call, 'require-password-change', (user, before) =>
      before?.must_change_password
        ? `A password change of ${user} is already required.`
        : `Required a password change of ${user}.`,
    ),
}

const sendPasswordReset: Command = {
  name: 'users send-password-reset',
  summary: 'Send a password reset by mail to the stored address of a user',
  details:
    'If you are an admin and the reset goes to an operator or to an address that is not verified, ' +
    ASKS_FOR_PASSWORD,
  arguments: [USER],
  options: FIND,
  operations: ['POST /users/{id}/password-reset', 'POST /me/confirm'],
  async run(call) {
    const path = await findPath(call)
    const user = await call.api.read({ operation: 'POST /users/{id}/password-reset', path })
    printDone(call, user, `Sent a password reset to ${user.username}.`)
  },
}

const enableUser: Command = {
  name: 'users enable',
  summary: 'Enable a user. Earlier tokens stay revoked',
  details: `To enable a user who has the role admin, ${ASKS_FOR_PASSWORD}`,
  arguments: [USER],
  options: FIND,
  operations: ['GET /users/{id}', 'POST /users/{id}/enable', 'POST /me/confirm'],
  run: (call) =>
    runAction(call, 'enable', (user, before) =>
      before?.enabled ? `${user} is already enabled.` : `Enabled ${user}.`,
    ),
}

const disableUser: Command = {
  name: 'users disable',
  summary: 'Disable a user and end all sessions',
  arguments: [USER],
  options: FIND,
  operations: ['GET /users/{id}', 'GET /sessions', 'POST /users/{id}/disable'],
  async run(call) {
    const path = await findPath(call)
    const before = await readBefore(() => call.api.read({ operation: 'GET /users/{id}', path }))
    await endSessions(call, 'disable', (user, ended) =>
      before?.enabled === false
        ? `${user} is already disabled: ${ended} ended.`
        : `Disabled ${user}: ${ended} ended.`,
    )
  },
}

const signOut: Command = {
  name: 'users sign-out',
  summary: 'End all sessions of a user',
  arguments: [USER],
  options: FIND,
  operations: ['GET /sessions', 'POST /users/{id}/sign-out'],
  run: (call) => endSessions(call, 'sign-out', (user, ended) => `Signed out ${user}: ${ended} ended.`),
}

/** The actions without a body. */
export const USER_ACTIONS: readonly Command[] = [
  requirePasswordChange,
  sendPasswordReset,
  enableUser,
  disableUser,
  signOut,
]

async function runAction(
  call: Call,
  action: 'enable' | 'require-password-change',
  describe: (user: string, before: User | null) => string,
): Promise<void> {
  const operation = `POST /users/{id}/${action}` as const
  const path = await findPath(call)
  const before = await readBefore(() => call.api.read({ operation: 'GET /users/{id}', path }))
  const user = await call.api.read({ operation, path })
  printDone(call, user, describe(user.username, before))
}

async function endSessions(
  call: Call,
  action: 'disable' | 'sign-out',
  describe: (user: string, ended: string) => string,
): Promise<void> {
  const path = await findPath(call)
  const { text: ended } = await countLiveSessions(call.api, { subject: path.id })
  const user = await call.api.read({ operation: `POST /users/{id}/${action}` as const, path })
  printDone(call, user, describe(user.username, ended))
}

import type { Command } from '../core/command.ts'
import { UsageError } from '../core/exit_code.ts'
import { text } from '../core/option.ts'
import { uninterrupted } from '../core/uninterrupted.ts'
import { member, printItem } from './output.ts'

const USERNAME = text('username', 'Who signs in; asked for on a terminal where absent')

const ME = [
  member('Username', 'username'),
  member('Id', 'id'),
  member('Roles', 'roles'),
  member('Session', 'sid'),
  member('Client', 'client_id'),
  member('Must change password', 'must_change_password'),
  member('Password breached', 'password_breached'),
]

const login: Command = {
  name: 'login',
  summary: 'Signs an operator in, and keeps the tokens in the user’s config directory',
  details:
    'On a terminal the command asks for the password, without echo. Otherwise it is the first line of standard input. ' +
    'Without --server and SALLYPORT_SERVER it is the server of the last login, and at first http://127.0.0.1:8787, ' +
    'where "npm start" serves.',
  options: [USERNAME],
  operations: ['GET /me'],
  async run(call) {
    const { terminal, input, account, api } = call
    if (!terminal.isInteractive && !input.has(USERNAME)) throw new UsageError('--username is needed')
    const username = input.get(USERNAME) ?? (await terminal.ask(`Username at ${account.server}: `))
    const password = await terminal.readSecret(`Password of ${username}`)
    await account.signIn(username, password)
    const me = await api.read({ operation: 'GET /me' })
    terminal.say(`Signed in at ${account.server} as ${username}.`)
    if (me.password_breached === true) terminal.say('The password is in a list of known breaches.')
    if (me.must_change_password === true)
      terminal.say('The password must be changed: run "sallyport password".')
  },
}

const logout: Command = {
  name: 'logout',
  summary: 'Forgets the tokens, and ends the session at the server',
  async run({ terminal, account }) {
    await account.signOut()
    terminal.say(`Signed out at ${account.server}.`)
  },
}

const whoami: Command = {
  name: 'whoami',
  summary: 'Says who is signed in, and where',
  operations: ['GET /me'],
  async run(call) {
    const me = await call.api.read({ operation: 'GET /me' })
    call.terminal.say(`At ${call.account.server}:`)
    printItem(call, me, ME)
  },
}

const password: Command = {
  name: 'password',
  summary: 'Changes your own password and ends all your sessions; this one goes on with new tokens',
  details:
    'Without a terminal, the current password and the new one are two lines of standard input. ' +
    'If the response is lost, sign in with the new password.',
  operations: ['POST /me/password'],
  async run({ terminal, api, account }) {
    const current = await terminal.readSecret('Current password')
    const next = await terminal.readNewSecret('New password')
    // The old tokens are revoked, so the new ones must be stored in any case.
    await uninterrupted(async () => {
      const body = { current_password: current, password: next }
      const answer = await api.ask({ operation: 'POST /me/password', body })
      await account.adopt(answer.body)
    })
    terminal.say('The password is changed. All your other sessions have ended.')
  },
}

export const ACCOUNT_COMMANDS: readonly Command[] = [login, logout, whoami, password]

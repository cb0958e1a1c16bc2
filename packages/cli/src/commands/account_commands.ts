import type { Call, Command } from '../core/command.ts'
import { UsageError } from '../core/exit_code.ts'
import { text } from '../core/option.ts'
import { clean } from '../core/table.ts'
import { uninterrupted } from '../core/uninterrupted.ts'
import { openBrowser } from '../login/open_browser.ts'
import { member, printItem } from './output.ts'

const USERNAME = text('username', 'Sign in with a password, without a browser')

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
  isForOperators: true,
  summary: 'Sign in and store the tokens in your config directory',
  details:
    'The command opens the sign-in page of the server in your browser. The environment variable BROWSER can name another program. ' +
    'With --username, the command needs no browser: it asks for the password, without echo. Without a terminal, it reads the ' +
    'password from the first line of standard input. ' +
    'Without --server and SALLYPORT_SERVER, the command uses the server of the last login, or http://localhost:8787.',
  options: [USERNAME],
  operations: ['GET /me'],
  async run(call) {
    const { terminal, input, account, api } = call
    const username = input.get(USERNAME)
    if (username === undefined) await signInByBrowser(call)
    else await account.signIn(username, await terminal.readSecret(`Password of ${username}`))
    const me = await api.read({ operation: 'GET /me' })
    terminal.say(`Signed in at ${account.server} as ${clean(String(me.username))}.`)
    if (me.password_breached === true) terminal.say('The password is in a list of known breaches.')
    if (me.must_change_password === true)
      terminal.say('The password must be changed: run "sallyport password".')
  },
}

/** A script has no user who could sign in. @throws UsageError, CliError */
async function signInByBrowser({ terminal, account }: Call): Promise<void> {
  if (!terminal.isInteractive && !process.env.BROWSER)
    throw new UsageError('without a terminal, --username is required')
  await account.signInByBrowser((url) => {
    terminal.say(`Sign in with your browser. If it does not open, open this URL on this machine:\n${url}`)
    openBrowser(url)
  })
}

const logout: Command = {
  name: 'logout',
  summary: 'Remove the stored tokens and end the session on the server',
  async run({ terminal, account }) {
    await account.signOut()
    terminal.say(`Signed out at ${account.server}.`)
  },
}

const whoami: Command = {
  name: 'whoami',
  isForOperators: true,
  summary: 'Show the signed-in operator and the server',
  operations: ['GET /me'],
  async run(call) {
    const me = await call.api.read({ operation: 'GET /me' })
    call.terminal.say(`At ${call.account.server}:`)
    printItem(call, me, ME)
  },
}

const password: Command = {
  name: 'password',
  isForOperators: true,
  summary: 'Change your own password and end your other sessions',
  details:
    'Without a terminal, the command reads the current password and the new password from two lines of standard input. ' +
    'If the command gets no response, try to sign in with the new password.',
  operations: ['POST /me/password'],
  async run({ terminal, api, account }) {
    const current = await terminal.readSecret('Current password')
    const next = await terminal.readNewSecret('New password')
    // The old tokens are revoked, so the new ones must be stored in any case.
    await uninterrupted(async () => {
      const body = { current_password: current, password: next }
      const response = await api.ask({ operation: 'POST /me/password', body })
      await account.adopt(response.body)
    })
    terminal.say('The password is changed. All your other sessions have ended.')
  },
}

export const ACCOUNT_COMMANDS: readonly Command[] = [login, logout, whoami, password]

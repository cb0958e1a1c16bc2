import { Form } from './form.ts'
import { CONSOLE_PATH } from './page.ts'
import type { Refusal } from './token_client.ts'

/** Why somebody is sent to the sign-in, by the name that the address has. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['signed-out', 'You are signed out, and your session is ended.'],
  [
    'signed-out-here',
    'You are signed out in this browser. The server could not be reached to end the session: end it in the console, or change the password, if somebody else may hold it.',
  ],
  ['ended', 'Your session is over. Sign in again.'],
  ['not-done', 'Your session is over, so what you sent was not done. Sign in again.'],
])

interface SignInProps {
  typed?: Form
  /** Where to go afterwards, below /console. */
  next: string
  reason?: string
  refusal?: Refusal
}

export function SignIn({ typed = new Form(new URLSearchParams()), next, reason = '', refusal }: SignInProps) {
  const notice = REASONS.get(reason)
  return (
    <form method="post" action={`${CONSOLE_PATH}/sign-in`} class="card form">
      <h1>Sign in</h1>
      <p class="soft">For the operators of this service.</p>
      {notice === undefined ? null : <p class="note plain">{notice}</p>}
      {refusal === undefined ? null : (
        <p class="note bad" role="alert">
          {describeRefusal(refusal)}
        </p>
      )}
      <input type="hidden" name="next" value={next} />
      <div class="field">
        <label for="username">Username</label>
        <input
          id="username"
          name="username"
          value={typed.text('username')}
          autocomplete="username"
          autocapitalize="none"
          spellcheck={false}
          required
        />
      </div>
      <div class="field">
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required />
      </div>
      <button type="submit" class="primary">
        Sign in
      </button>
    </form>
  )
}

export function describeRefusal(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'refused':
      return 'That username and password do not fit, or the account cannot sign in now.'
    case 'not_set_up':
      return 'The console is not set up: the public client sallyport-console is missing or is not enabled for the password grant of the admin API. `npm run first-admin` adds it.'
    case 'wait':
      return refusal.status === 429
        ? `Too many attempts. Try again in ${refusal.retryAfterSeconds} seconds.`
        : 'The service cannot be reached now. Try again in a moment.'
  }
}

/** Where to go after the sign-in: a page of the console, whatever the address says. */
export function readNext(text: string): string {
  const { pathname, search } = URL.canParse(text, BASE) ? new URL(text, BASE) : new URL(BASE)
  const isOurs = text === pathname + search && /^\/console(?:\/(?!sign-)|$)/.test(pathname)
  return isOurs ? text : CONSOLE_PATH
}

/** Any: only what stays the same without it is taken. */
const BASE = 'https://base.invalid'

import { Input } from '../pages/fields.tsx'
import { Form } from '../pages/form.ts'
import { CONSOLE_PATH } from './console_path.ts'
import { KEPT_FIELD } from './kept_form.tsx'
import type { Refusal } from './token_client.ts'

/** The reasons why the browser shows the sign-in, by the name in the URL. */
const REASONS: ReadonlyMap<string, string> = new Map([
  ['signed-out', 'You are signed out.'],
  [
    'signed-out-here',
    'You are signed out in this browser, but the server could not end the session. If another person may have your tokens, sign in again and end that session, or change your password.',
  ],
  ['ended', 'Your session has ended. Sign in again.'],
  ['kept', 'Your session has ended. Sign in again: your form is kept, without passwords.'],
  ['not-done', 'Your session has ended, so your last change was not saved. Sign in again.'],
])

interface SignInProps {
  typed?: Form
  /** The page of the console to open after the sign-in. */
  next: string
  reason?: string
  /** The sealed form that the operator sent after the session had ended. */
  kept?: string
  refusal?: Refusal
}

export function SignIn({ typed = Form.of({}), next, reason = '', kept = '', refusal }: SignInProps) {
  const notice = REASONS.get(reason)
  const state = { form: typed, problem: null }
  return (
    <form method="post" action={`${CONSOLE_PATH}/sign-in`} class="card form">
      <h1>Sign in</h1>
      <p class="soft">For operators of this service.</p>
      {notice === undefined ? null : <p class="note plain">{notice}</p>}
      {refusal === undefined ? null : (
        <p class="note bad" role="alert">
          {describeRefusal(refusal)}
        </p>
      )}
      <input type="hidden" name="next" value={next} />
      {kept === '' ? null : <input type="hidden" name={KEPT_FIELD} value={kept} />}
      <Input
        state={state}
        name="username"
        label="Username"
        autocomplete="username"
        autocapitalize="none"
        spellcheck={false}
        required
      />
      <Input
        state={state}
        name="password"
        label="Password"
        type="password"
        autocomplete="current-password"
        required
      />
      <button type="submit" class="primary">
        Sign in
      </button>
    </form>
  )
}

function describeRefusal(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'refused':
      return 'Wrong username or password.'
    case 'not_set_up':
      return 'The console is not set up. The public client sallyport-console of the admin API is missing, or its grants do not include “password”. Run npm run first-admin to add it.'
    case 'wait':
      return refusal.status === 429
        ? `Too many attempts. Try again in ${refusal.retryAfterSeconds} seconds.`
        : 'Service unavailable. Try again in a moment.'
  }
}

/** The page to open after the sign-in: the path in `text` if it is a page of the console, otherwise the dashboard. */
export function readNext(text: string): string {
  const { pathname, search } = URL.canParse(text, BASE) ? new URL(text, BASE) : new URL(BASE)
  const isPage = text === pathname + search && /^\/console(?:\/(?!sign-)|$)/.test(pathname)
  return isPage ? text : CONSOLE_PATH
}

/** An example origin. `readNext` refuses a path that changes when it is resolved against this origin. */
const BASE = 'https://base.invalid'

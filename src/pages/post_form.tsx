import type { PropsWithChildren } from 'hono/jsx'
import { CSRF_FIELD } from './csrf.ts'

interface PostFormProps {
  action: string
  csrfToken: string
  /** An `inline` form stands in a line of other elements, such as a single button. */
  kind?: 'form' | 'inline'
}

/** A form that changes data. It contains the CSRF token of the session. */
export function PostForm({ action, csrfToken, kind = 'form', children }: PropsWithChildren<PostFormProps>) {
  return (
    <form method="post" action={action} class={kind} autocomplete="off">
      <input type="hidden" name={CSRF_FIELD} value={csrfToken} />
      {children}
    </form>
  )
}

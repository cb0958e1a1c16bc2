import type { Child, PropsWithChildren } from 'hono/jsx'
import { ACCOUNT_PATH, BROWSER_PATH } from './browser_path.ts'

type OtherAccountProps = PropsWithChildren<{
  /** The ticket for the page `select_account`. */
  ticket: Child
  label: string
}>

/** The form below a page that leads to the sign-in with another account. */
export const OtherAccount = ({ ticket, label, children }: OtherAccountProps) => (
  <form method="post" action={BROWSER_PATH + ACCOUNT_PATH} class="aside">
    {children}
    {ticket}
    <button type="submit" name="decision" value="other" class="link">
      {label}
    </button>
  </form>
)

/** The title of each kind of audit event. */
export const EVENT_TITLES = {
  issue: 'Sign-in',
  browser_sign_in: 'Sign-in by browser',
  step_sign_in: 'Sign-in in steps',
  sign_up: 'Sign-up',
  sign_in_failure: 'Failed sign-in',
  refresh: 'Refresh',
  refresh_refused: 'Refused refresh',
  code_refused: 'Refused code',
  retry: 'Retry',
  theft: 'Theft',
  merge: 'Merge',
  revoke: 'Sign-out',
  cut_off: 'Revocation',
  lock: 'Account locked',
  rehash: 'New hash',
  breached_password: 'Breached password',
  unchecked_password: 'Unchecked password',
  factor: 'Factor',
  notification: 'Notification',
  account: 'Account',
  key: 'Key',
  admin: 'Change',
} as const

const TITLES: ReadonlyMap<string, string> = new Map(Object.entries(EVENT_TITLES))

/** The members of an audit event that give its words. */
interface EventCause {
  kind: string
  reason: string
}

/** The title of an event. For an unknown kind, such as a kind of a newer server, the name of the kind. */
export function titleOf({ kind, reason }: EventCause): string {
  if (kind === 'issue' && reason === 'client_credentials') return 'Token'
  if (kind === 'issue' && reason === 'guest') return 'Guest'
  return TITLES.get(kind) ?? kind
}

/** The kind with this title, in upper or lower case; the given text if no kind has the title. */
export function kindOf(title: string): string {
  const wanted = title.toLowerCase()
  return [...TITLES].find(([, known]) => known.toLowerCase() === wanted)?.[0] ?? title
}

/**
 * The reason of an event. The event of a key has times in Unix seconds, which `formatTime` formats. A refresh and its retry have the
 * same reason in the audit trail, and so do a theft and its refused refresh.
 */
export function reasonOf({ kind, reason }: EventCause, formatTime: (unixSeconds: number) => string): string {
  switch (kind) {
    case 'key':
      return reason.replace(/\b\d{10}\b/g, (seconds) => formatTime(Number(seconds)))
    case 'retry':
      return reason.replace('was exchanged for', 'was used again within the retry window and got')
    case 'theft':
      return `${reason}, and the session ended`
    default:
      return reason
  }
}

import { readClaims } from './sallyport_client.js'

const time = new Intl.DateTimeFormat('en', { timeStyle: 'medium' })
const clock = (seconds) => time.format(seconds * 1000)

/** What each claim means, for somebody who never saw a token. */
const MEANINGS = [
  ['iss', 'who signed it: the token service', String],
  ['aud', 'where it is good: the storefront, and nowhere else', String],
  ['sub', (claims) => describeSubject(claims), String],
  ['visitor_id', 'the guest that you were: whose cart to move', String],
  ['scope', 'what this page may do with it', String],
  ['roles', 'what you may do', (roles) => roles.join(', ')],
  ['iat', 'when it was made', clock],
  ['exp', 'when it ends by itself', clock],
  ['client_id', 'which application asked: this page', String],
  ['sid', 'the session: stays the same until you sign out', String],
  ['jti', 'the number of this very ticket', String],
]

function describeSubject({ sub }) {
  return sub.startsWith('visitor:')
    ? 'whom it is for: a visitor without a name'
    : 'whom it is for: a customer'
}

/** The claims of a token, in the order of the table above: name, value and meaning. */
export function explainClaims(token) {
  const claims = readClaims(token) ?? {}
  return MEANINGS.filter(([name]) => claims[name] !== undefined).map(([name, meaning, format]) => ({
    name,
    value: format(claims[name]),
    meaning: typeof meaning === 'function' ? meaning(claims) : meaning,
  }))
}

/** How many times the session was refreshed: the number of its refresh token. */
export function refreshCount({ refreshToken }) {
  return Number(readClaims(refreshToken)?.seq ?? 0)
}

export function subjectOf({ accessToken }) {
  return String(readClaims(accessToken)?.sub)
}

export function visitorOf({ accessToken }) {
  return readClaims(accessToken)?.visitor_id ?? null
}

import { readClaims } from './sallyport_client.js'

const time = new Intl.DateTimeFormat('en', { timeStyle: 'medium' })
const clock = (seconds) => time.format(seconds * 1000)

/** The meaning of each claim, for a reader who is new to tokens. */
const MEANINGS = [
  ['iss', 'issuer: the token service that signed it', String],
  ['aud', 'audience: only the storefront API accepts it', String],
  ['sub', (claims) => describeSubject(claims), String],
  ['visitor_id', 'the earlier guest, whose cart is merged', String],
  ['scope', 'what this page may do with the token', String],
  ['roles', 'what you may do', (roles) => roles.join(', ')],
  ['auth_time', 'the last sign-in of the user', clock],
  ['amr', 'the methods of that sign-in', (methods) => methods.join(', ')],
  ['acr', 'the level of that sign-in: 2 is two factors', String],
  ['iat', 'issue time', clock],
  ['exp', 'expiry time', clock],
  ['client_id', 'the client that requested it: this page', String],
  ['sid', 'the session: the same until you sign out', String],
  ['jti', 'the unique id of this token', String],
]

function describeSubject({ sub }) {
  return sub.startsWith('visitor:') ? 'subject: a guest' : 'subject: a customer'
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

/** The number of refreshes of the session, from its refresh token. */
export function refreshCount({ refreshToken }) {
  return Number(readClaims(refreshToken)?.seq ?? 0)
}

export function subjectOf({ accessToken }) {
  return String(readClaims(accessToken)?.sub)
}

export function visitorOf({ accessToken }) {
  return readClaims(accessToken)?.visitor_id ?? null
}

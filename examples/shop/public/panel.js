import { explainClaims, refreshCount, subjectOf, visitorOf } from './claims.js'
import { byId, element, say } from './element.js'
import { isGuest } from './sallyport_client.js'

const time = new Intl.DateTimeFormat('en', { timeStyle: 'medium' })
const MAX_LOG_LINES = 40

/** What the events of the client mean, in plain words. */
const SENTENCES = {
  guest_started:
    'You came in. The token service gave this browser a guest’s tokens: a random number, no name.',
  signed_in: 'You signed in. New tokens, a new session.',
  refreshed: 'New tokens, same session: the refresh token was exchanged for its successor.',
  retrying:
    'The response got lost. The same refresh token is sent again; for a minute it gets the same successor.',
  signed_out: 'You signed out. This browser forgot the tokens, and the token service ended the session.',
  session_ended: 'The token service does not renew these tokens any more: the session is over.',
  changed_elsewhere: 'Another tab changed the tokens. This one goes on with the same.',
}

export function logEvent(event) {
  logSentence(SENTENCES[event] ?? event, event)
}

export function logSentence(sentence, kind = 'note') {
  const line = element(
    'li',
    { 'data-event': kind },
    element('time', {}, time.format(Date.now())),
    ` ${sentence}`,
  )
  byId('log').prepend(line)
  while (byId('log').children.length > MAX_LOG_LINES) byId('log').lastElementChild.remove()
}

/** Everything about the tokens that changes only when they do. */
export function showSession(session) {
  say(byId('who'), describeWho(session))
  say(byId('refresh-text'), session ? describeRefreshToken(session) : 'None.')
  const claims = session ? explainClaims(session.accessToken) : []
  byId('claims').replaceChildren(
    ...claims.flatMap(({ name, value, meaning }) => [
      element('dt', {}, element('code', {}, name), element('span', {}, meaning)),
      element('dd', {}, value),
    ]),
  )
  showWire(session?.accessToken)
  showLife(session)
}

function describeWho(session) {
  if (!session) return 'Nobody is here: there is no token.'
  if (isGuest(session))
    return 'You are a visitor without a name. The shop can keep a cart for you, and nothing else.'
  const moved = visitorOf(session) ? ' The cart of the guest that you were came along.' : ''
  return `You are a customer, known to the shop as ${subjectOf(session)}: the token has no name and no address.${moved}`
}

function describeRefreshToken(session) {
  if (session.refreshToken === null)
    return 'None: this token service gives none. The session ends with its access token.'
  const count = refreshCount(session)
  if (count === 0) return 'Number 0: the first of this session, not used yet.'
  return `Number ${count} of this session. Number ${count - 1} is used up.`
}

function showWire(token) {
  const kinds = ['jwt-header', 'jwt-payload', 'jwt-signature']
  const parts = (token ?? '').split('.').map((part, i) => element('span', { class: kinds[i] }, part))
  byId('jwt').replaceChildren(...parts.flatMap((part, i) => (i === 0 ? [part] : ['.', part])))
}

/** What is left of the access token, now. */
export function showLife(session) {
  const secondsLeft = session ? Math.max(0, session.expiresAt - Math.floor(Date.now() / 1000)) : 0
  const lifetime = session ? session.expiresAt - session.issuedAt : 1
  byId('life').max = lifetime
  byId('life').value = secondsLeft
  byId('life').classList.toggle('short', secondsLeft < lifetime / 2)
  byId('life-text').textContent = describeLife(session, secondsLeft)
}

function describeLife(session, secondsLeft) {
  if (!session) return 'None.'
  if (secondsLeft === 0) return 'Ended. The next click gets a new one first.'
  const minutes = Math.floor(secondsLeft / 60)
  return `${minutes}:${String(secondsLeft % 60).padStart(2, '0')} left. It ends by itself, and is renewed when you use it late.`
}

/** What came of a button under “Try it”. */
export function showOutcome(text) {
  say(byId('outcome'), text)
}

export function showOldToken(text) {
  byId('old-token').hidden = false
  say(byId('old-text'), text)
}

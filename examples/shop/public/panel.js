import { explainClaims, refreshCount, subjectOf, visitorOf } from './claims.js'
import { byId, element, say } from './element.js'
import { EventList } from './event_list.js'
import { isGuest } from './sallyport_client.js'

const events = new EventList()

/** A sentence for each event of the client package. */
const SENTENCES = {
  guest_started: 'Guest session started. The tokens have a random id and no name.',
  signed_in: 'Signed in: new tokens, new session.',
  refreshed: 'Refreshed: new tokens, same session. The refresh token was replaced by its successor.',
  retrying:
    'The response was lost. The client sends the same refresh token again and gets the same successor for a minute.',
  signed_out: 'Signed out. This browser deleted the tokens, and the token service ends the session.',
  session_ended: 'Session ended: the token service does not renew these tokens.',
  changed_elsewhere: 'Another tab changed the tokens. This tab uses the same ones.',
}

export function logEvent(event) {
  logSentence(SENTENCES[event] ?? event, event)
}

export function logSentence(sentence, kind = 'note') {
  events.add({ at: Date.now(), kind, sentence })
}

/** Shows the parts of the panel that change only with the tokens. */
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
  if (!session) return 'Not signed in: no token.'
  if (isGuest(session)) return 'You are a guest. The shop knows your cart and nothing else.'
  const moved = visitorOf(session) ? ' Your cart as a guest was kept.' : ''
  return `You are a customer with the id ${subjectOf(session)}. The token has no name and no email address.${moved}`
}

function describeRefreshToken(session) {
  if (session.refreshToken === null)
    return 'None: this token service issues none. The session ends with its access token.'
  const count = refreshCount(session)
  if (count === 0) return 'Number 0: the first of this session, not used yet.'
  return `Number ${count} of this session. Number ${count - 1} was used.`
}

function showWire(token) {
  const kinds = ['jwt-header', 'jwt-payload', 'jwt-signature']
  const parts = (token ?? '').split('.').map((part, i) => element('span', { class: kinds[i] }, part))
  byId('jwt').replaceChildren(...parts.flatMap((part, i) => (i === 0 ? [part] : ['.', part])))
}

/** Shows the remaining lifetime of the access token. */
export function showLife(session) {
  const secondsLeft = session ? Math.max(0, session.expiresAt - Math.floor(Date.now() / 1000)) : 0
  const lifetime = session ? session.expiresAt - session.issuedAt : 1
  byId('life').max = lifetime
  byId('life').value = secondsLeft
  byId('life').classList.toggle('short', secondsLeft < lifetime / 2)
  byId('life-text').textContent = describeLife(session, secondsLeft)
  byId('status').textContent = describeStatus(session, secondsLeft)
}

/** One line for small screens. */
function describeStatus(session, secondsLeft) {
  if (!session) return 'No token'
  const user = isGuest(session) ? 'Guest' : 'Customer'
  const life = secondsLeft === 0 ? 'token expired' : `token ${formatLife(secondsLeft)}`
  return `${user} · ${life} · refresh ${refreshCount(session)}`
}

function describeLife(session, secondsLeft) {
  if (!session) return 'None.'
  if (secondsLeft === 0) return 'Expired. The next request gets a new token first.'
  return `${formatLife(secondsLeft)} left. Expires on its own; renewed when used near the end.`
}

function formatLife(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** Shows the result of a button under “Try it”. */
export function showOutcome(text) {
  say(byId('outcome'), text)
}

export function showOldToken(text) {
  byId('old-token').hidden = false
  say(byId('old-text'), text)
}

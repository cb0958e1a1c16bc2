import type { Child } from 'hono/jsx'
import type { Looks } from '../browser/looks.ts'
import { formatCountry, formatTime } from '../lib/local_words.ts'
import { breakable } from '../pages/breakable.tsx'
import { keepBrowserSession } from './keep_browser_session.ts'
import {
  endOtherSessions,
  endOwnSession,
  listOwnSessions,
  type OwnSession,
} from './operations/own_sessions.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

/** The button that ends all other sessions has no value. */
const SESSION = 'session'

/** The page with the live sessions of the user. */
export const sessionsPage = userPage({
  path: '/sessions',
  section: 'sessions',
  show: showSessions,
  async submit(request, form) {
    const sid = form.text(SESSION)
    if (sid !== '') {
      await endOwnSession(sid, request)
      return { notice: 'sessionEnded' }
    }
    await keepBrowserSession(await endOtherSessions(request), request)
    return { notice: 'othersEnded' }
  },
})

async function showSessions({ request, looks, texts, PageForm }: UserPageContent): Promise<UserPageView> {
  const sessions = await listOwnSessions(request)
  const { sessions: words } = texts
  const body = (
    <>
      <p>{sessions.length === 0 ? words.none : words.text}</p>
      {sessions.length === 0 ? null : (
        <PageForm>
          <ul class="entries">
            {sessions.map((session, i) => (
              <li>{showSession(session, `session-${i}`, looks)}</li>
            ))}
          </ul>
        </PageForm>
      )}
      <PageForm>
        <p>{words.othersText}</p>
        <button type="submit">{words.others}</button>
      </PageForm>
    </>
  )
  return { title: texts.sections.sessions, body }
}

/** @param id The id of the text that describes the button. */
function showSession(session: OwnSession, id: string, { texts, language }: Looks): Child {
  const { sessions: words } = texts.accountPage
  const client = session.client_name ?? session.client_id
  const country = session.country === null ? [] : [formatCountry(session.country, language)]
  const places = session.is_current
    ? // An application without a known device, such as an agent on a command line, is not this browser.
      session.device === null
      ? [words.startedHere, ...country]
      : [session.device, ...country, words.thisBrowser]
    : [session.device ?? words.unknownDevice, ...country]
  return (
    <>
      <div id={id}>
        <h2>{breakable(client)}</h2>
        <p>{places.join(' · ')}</p>
      </div>
      <p class="soft">{words.began(formatTime(session.started_at, language))}</p>
      <p class="soft">{words.used(formatTime(session.last_used_at, language))}</p>
      <button type="submit" name={SESSION} value={session.sid} aria-describedby={id}>
        {words.end}
      </button>
    </>
  )
}

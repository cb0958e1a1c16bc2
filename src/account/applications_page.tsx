import type { Child } from 'hono/jsx'
import { describeScope, describeTarget } from '../browser/consent_page.tsx'
import type { Looks } from '../browser/looks.ts'
import type { Config } from '../config/config.ts'
import { formatTime } from '../lib/local_words.ts'
import { breakable } from '../pages/breakable.tsx'
import {
  type ConnectedApplication,
  listApplications,
  withdrawAccess,
} from './operations/connected_applications.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

const CONSENT = 'consent'

/** The page with the applications that the user allowed to use the account. */
export const applicationsPage = userPage({
  path: '/applications',
  section: 'applications',
  show: showApplications,
  async submit(request, form) {
    await withdrawAccess(form.text(CONSENT), request)
    return { notice: 'accessWithdrawn' }
  },
})

async function showApplications({ request, looks, texts, PageForm }: UserPageContent): Promise<UserPageView> {
  const applications = await listApplications(request)
  const { config } = request.services
  const body =
    applications.length === 0 ? (
      <p>{texts.applications.none}</p>
    ) : (
      <PageForm>
        <p>{texts.applications.text}</p>
        <ul class="entries">
          {applications.map((application, i) => (
            <li>{showApplication(application, { id: `application-${i}`, looks, config })}</li>
          ))}
        </ul>
      </PageForm>
    )
  return { title: texts.sections.applications, body }
}

function showApplication(
  {
    client_id: clientId,
    client_name: name,
    api,
    redirect_uri: uri,
    scopes,
    created_at: at,
    consent_id: consent,
  }: ConnectedApplication,
  { id, looks, config }: { id: string; looks: Looks; config: Pick<Config, 'apis'> },
): Child {
  const { applications: words } = looks.texts.accountPage
  const found = config.apis.get(api)
  return (
    <>
      <h2 id={id}>{breakable(name ?? clientId)}</h2>
      <p class="soft">{breakable(hostsOf(clientId, uri).join(', '))}</p>
      <p>{breakable(words.api(found?.branding?.name ?? api))}</p>
      {scopes.length === 0 ? null : (
        <ul class="scopes">
          {scopes.map((scope) => (
            <li>{found === undefined ? scope : describeScope(scope, found, looks)}</li>
          ))}
        </ul>
      )}
      <p class="soft">{words.since(formatTime(at, looks.language))}</p>
      <button type="submit" name={CONSENT} value={consent} aria-describedby={id}>
        {words.withdraw}
      </button>
    </>
  )
}

/** The hosts of an application: that of its redirect URI, and that of its client id if the id is the URL of a document. */
function hostsOf(clientId: string, redirectUri: string): string[] {
  const ofClient = clientId.startsWith('https://') && URL.canParse(clientId) ? [new URL(clientId).host] : []
  return [...new Set([...ofClient, describeTarget(redirectUri)])]
}

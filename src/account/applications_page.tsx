import type { Child } from 'hono/jsx'
import { describeTarget, ScopeList, sortScopes } from '../browser/consent_page.tsx'
import type { Looks } from '../browser/looks.ts'
import type { ApiConfig, Config } from '../config/config.ts'
import { formatDay } from '../lib/local_words.ts'
import { breakable } from '../pages/breakable.tsx'
import {
  type ConnectedApplication,
  listApplications,
  withdrawApplication,
} from './operations/connected_applications.ts'
import { listOwnSessions } from './operations/own_sessions.ts'
import { type UserPageContent, type UserPageView, userPage } from './user_page.tsx'

const CLIENT = 'client'

/** The page with the applications that the user allowed to use the account. */
export const applicationsPage = userPage({
  path: '/applications',
  section: 'applications',
  show: showApplications,
  async submit(request, form) {
    const clientId = form.text(CLIENT)
    const [consent] = await withdrawApplication(clientId, request)
    return { notice: 'accessWithdrawn', typed: { [CLIENT]: consent?.client_name ?? clientId } }
  },
})

/** The consents of a user to one application, newest first. The application can have several redirect URIs and APIs. */
type Consents = readonly [ConnectedApplication, ...ConnectedApplication[]]

async function showApplications({ request, looks, texts, PageForm }: UserPageContent): Promise<UserPageView> {
  const [consents, sessions] = await Promise.all([listApplications(request), listOwnSessions(request)])
  const applications = groupByClient(consents)
  const active = new Set(sessions.map(({ client_id: id }) => id))
  const { config } = request.services
  const body =
    applications.length === 0 ? (
      <p>{texts.applications.none}</p>
    ) : (
      <PageForm>
        <p>{texts.applications.text}</p>
        <ul class="entries">
          {applications.map((application, i) => (
            <li>{showApplication(application, { id: `application-${i}`, active, looks, config })}</li>
          ))}
        </ul>
      </PageForm>
    )
  return { title: texts.sections.applications, body }
}

function groupByClient(consents: readonly ConnectedApplication[]): Consents[] {
  const groups = new Map<string, Consents>()
  for (const consent of consents) {
    const group = groups.get(consent.client_id)
    groups.set(consent.client_id, group === undefined ? [consent] : [...group, consent])
  }
  return [...groups.values()]
}

interface ShownWith {
  /** The id of the text that describes the button. */
  id: string
  /** The ids of the clients with a live session of the user. */
  active: ReadonlySet<string>
  looks: Looks
  config: Pick<Config, 'apis'>
}

function showApplication(consents: Consents, { id, active, looks, config }: ShownWith): Child {
  const [{ client_id: clientId, client_name: name }] = consents
  const { applications: words } = looks.texts.accountPage
  const since = Math.min(...consents.map((consent) => consent.created_at))
  return (
    <>
      <h2 id={id}>{breakable(name ?? clientId)}</h2>
      <p class="soft">{breakable(hostsOf(consents).join(', '))}</p>
      {[...new Set(consents.map(({ api }) => api))].map((api) => (
        <Access name={api} api={config.apis.get(api)} scopes={scopesFor(api, consents)} looks={looks} />
      ))}
      <p class="soft">{words.since(formatDay(since, looks.language))}</p>
      {active.has(clientId) ? null : <p class="soft">{words.noSession}</p>}
      <button type="submit" name={CLIENT} value={clientId} class="danger" aria-describedby={id}>
        {words.withdraw}
      </button>
    </>
  )
}

function scopesFor(name: string, consents: Consents): string[] {
  return [...new Set(consents.flatMap(({ api, scopes }) => (api === name ? scopes : [])))]
}

/** An API and the scopes that the user allowed. config.yml can lack the API of an old consent. */
function Access({
  name,
  api,
  scopes,
  looks,
}: {
  name: string
  api: ApiConfig | undefined
  scopes: string[]
  looks: Looks
}): Child {
  const { applications: words } = looks.texts.accountPage
  return (
    <>
      <p>{breakable(words.api(api?.branding?.name ?? name))}</p>
      {scopes.length === 0 ? null : api === undefined ? (
        <p>{scopes.join(', ')}</p>
      ) : (
        <ScopeList scopes={sortScopes(scopes, api)} api={api} looks={looks} />
      )}
    </>
  )
}

/** The hosts of an application: that of its client id if the id is the URL of a document, and those of its redirect URIs. */
function hostsOf(consents: Consents): string[] {
  const [{ client_id: clientId }] = consents
  const ofClient = clientId.startsWith('https://') && URL.canParse(clientId) ? [new URL(clientId).host] : []
  return [...new Set([...ofClient, ...consents.map(({ redirect_uri: uri }) => describeTarget(uri))])]
}

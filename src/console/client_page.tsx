import { hasAdminPower, isServiceAccount } from '../admin/client_power.ts'
import { clientSchema } from '../admin/client_schemas.ts'
import { needsSecret } from '../clients/client.ts'
import { lifetimesOf } from '../clients/lifetimes.ts'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import type { FieldState } from '../pages/fields.tsx'
import {
  ActionForm,
  Confirm,
  confirmationsOf,
  problemOf,
  type RefusedAction,
  versionOf,
} from './action_form.tsx'
import { formatQuery, pathOf } from './admin_client.ts'
import { CLIENT_FIELDS, ClientFields, formOfClient } from './client_form.tsx'
import { ClientSecrets } from './client_secrets.tsx'
import type { ShownClient } from './clients_page.tsx'
import { EditConflict } from './edit_conflict.tsx'
import { formatSpan } from './format.ts'
import { countLiveSessions } from './live_sessions.ts'
import type { PageRequest, PageResponse } from './page.ts'
import { Facts, Heading, LastUse, Link, Moment, ProblemNote, Section } from './parts.tsx'
import { EnabledBadge } from './tones.tsx'
import { confirmFields, type TypedName } from './typed_name.tsx'

export type ClientAction = 'edit' | 'sign-out' | 'disable' | 'enable' | 'delete' | 'secrets'

/** The page of one client, with its actions. */
export async function showClient(
  request: PageRequest,
  refused: RefusedAction<ClientAction> | null = null,
): Promise<PageResponse> {
  const { admin, operator, params, config, now, csrfToken: csrf } = request
  const id = params.id ?? ''
  const [{ value: client, etag }, sessions] = await Promise.all([
    admin.readVersioned(pathOf`/clients/${id}`, clientSchema),
    countLiveSessions(admin, { client_id: id }),
  ])
  const needsPassword = hasAdminPower(client, config)
  const isOfOperators = client.api === config.adminApi?.name
  const problem = problemOf(refused, 'edit')
  const conflict =
    problem?.code === 'stale' ? { form: request.form, problem, current: formOfClient(client) } : null
  return compact({
    title: client.client_id,
    status: refused === null ? undefined : refused.problem.status,
    body: (
      <>
        <Heading
          title={client.client_id}
          lead={client.name === client.client_id ? undefined : client.name}
          actions={<Links id={id} />}
        />
        {conflict === null ? null : <EditConflict what="client" state={conflict} fields={CLIENT_FIELDS} />}
        {refused === null || conflict !== null ? null : (
          <ProblemNote
            problem={refused.problem.inOrder(CLIENT_FIELDS)}
            fields={problem === null ? confirmFields(typedClientId(id)) : CLIENT_FIELDS}
          />
        )}
        <ClientFacts client={client} now={now} config={config} />
        {needsSecret({ ...client, jwksUri: client.jwks_uri }) ? (
          <ClientSecrets
            client={client}
            now={now}
            csrf={csrf}
            isAdmin={operator.isAdmin}
            isAccount={isServiceAccount(client, config)}
            needsPassword={needsPassword}
            problem={problemOf(refused, 'secrets')}
          />
        ) : null}
        {operator.isAdmin ? (
          <EditForm
            request={request}
            client={client}
            etag={versionOf(problem, { form: request.form, etag })}
            state={conflict ?? { form: problem === null ? formOfClient(client) : request.form, problem }}
          />
        ) : null}
        {operator.isAdmin || !isOfOperators ? (
          <Actions
            client={client}
            etag={versionOf(problemOf(refused, 'delete'), { form: request.form, etag })}
            csrf={csrf}
            isAdmin={operator.isAdmin}
            needsPassword={needsPassword}
            sessions={sessions}
            refused={refused}
          />
        ) : null}
      </>
    ),
  })
}

function Links({ id }: { id: string }) {
  return (
    <>
      <Link to={`/sessions${formatQuery({ client_id: id })}`}>Sessions of this client</Link>
      <Link to={`/audit${formatQuery({ client_id: id })}`}>Events of this client</Link>
    </>
  )
}

interface ClientFactsProps {
  client: ShownClient
  now: number
  config: Config
}

function ClientFacts({ client, now, config }: ClientFactsProps) {
  return (
    <Facts
      facts={[
        ['State', <EnabledBadge enabled={client.enabled} />],
        ['Kind', client.confidential ? 'Confidential' : 'Public'],
        ...keyFacts(client),
        ['API', client.api],
        ['Grants', client.grants.join(', ')],
        ['Scopes', client.scopes.join(', ') || <span class="soft">None</span>],
        ...lifetimeFacts(client, config),
        ...browserFacts(client),
        ['Last used', <LastUse at={client.last_used_at} now={now} />],
        ['Created', <Moment at={client.created_at} />],
        ['Changed', <Moment at={client.updated_at} />],
      ]}
    />
  )
}

/** The keys of a client that authenticates by a key. */
function keyFacts({ jwks, jwks_uri: uri }: ShownClient): [name: string, value: string][] {
  if (uri !== null) return [['Keys', uri]]
  return jwks === null ? [] : [['Keys', jwks.keys.map(describeKey).join(', ')]]
}

function describeKey({ kty, kid }: { kty: string; kid?: unknown }): string {
  return kid === undefined ? kty : `${kty} ${kid}`
}

/** The token lifetimes, if config.yml still has the API of the client. */
function lifetimeFacts(client: ShownClient, { apis }: Config): [name: string, value: string][] {
  const api = apis.get(client.api)
  if (api === undefined) return []
  const own = {
    accessTokenLifetimeSeconds: client.access_token_lifetime,
    refreshTokenLifetimeSeconds: client.refresh_token_lifetime,
  }
  const { accessTokenSeconds, refreshTokenSeconds } = lifetimesOf(own, api)
  return [
    ['Access token lifetime', formatSpan(accessTokenSeconds)],
    ['Refresh token lifetime', formatSpan(refreshTokenSeconds)],
  ]
}

/** The facts about sign-ins by browser, if the client can have them. */
function browserFacts(client: ShownClient): [name: string, value: string][] {
  if (!client.grants.includes('authorization_code')) return []
  return [
    ['Application', client.first_party ? 'First-party: no consent' : 'Third-party: users consent'],
    ['PKCE', client.require_pkce ? 'Required' : 'Optional'],
    ['Redirect URIs', client.redirect_uris.join(', ')],
  ]
}

interface EditFormProps {
  request: PageRequest
  client: ShownClient
  etag: string
  state: FieldState
}

function EditForm({ request: { csrfToken: csrf, config }, client, etag, state }: EditFormProps) {
  return (
    <Section id="edit" title="Settings">
      <ActionForm csrf={csrf} action={pathOf`/clients/${client.client_id}`} etag={etag}>
        <ClientFields state={state} api={client.api} config={config} />
        <button type="submit" class="primary">
          Save
        </button>
      </ActionForm>
    </Section>
  )
}

interface ActionsProps {
  client: ShownClient
  etag: string
  csrf: string
  isAdmin: boolean
  /** Whether an enable needs the operator's own password. */
  needsPassword: boolean
  /** The number of live sessions, as words. */
  sessions: string
  refused: RefusedAction<ClientAction> | null
}

function Actions({ client, etag, csrf, isAdmin, needsPassword, sessions, refused }: ActionsProps) {
  const id = client.client_id
  const confirm = confirmationsOf<ClientAction>({ csrf, page: pathOf`/clients/${id}`, refused })
  return (
    <Section id="actions" title="Actions">
      <div class="confirms">
        <Confirm
          {...confirm('sign-out', 'Sign out everywhere')}
          title={`End ${sessions} of ${id}`}
          isDangerous
        >
          All tokens of the client are revoked. The client can get new tokens.
        </Confirm>
        {client.enabled && isAdmin ? (
          <Confirm {...confirm('disable', 'Disable')} title={`Disable ${id} and end ${sessions}`} isDangerous>
            The client gets no more tokens, and all its tokens are revoked.
          </Confirm>
        ) : null}
        {!client.enabled && isAdmin ? (
          <Confirm
            {...confirm('enable', 'Enable')}
            title={`Enable ${id}`}
            {...(needsPassword && { passwordId: 'own-password-for-enable' })}
          >
            The client can get tokens again. Earlier tokens stay revoked.
          </Confirm>
        ) : null}
        {isAdmin ? (
          <Confirm
            {...confirm('delete', 'Delete')}
            title={`Delete ${id} and end ${sessions}`}
            etag={etag}
            typed={typedClientId(id)}
            isDangerous
          >
            The client and its secrets are deleted, and all its tokens are revoked. You cannot undo this.
          </Confirm>
        ) : null}
      </div>
    </Section>
  )
}

/** The name to type before the deletion of a client. */
export function typedClientId(name: string): TypedName {
  return { label: 'Client id to delete', name }
}

import { clientWithSecretSchema } from '../admin/client_schemas.ts'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { isAdminScope } from '../oauth/admin_scope.ts'
import { Choices, type FieldState, Input } from '../pages/fields.tsx'
import type { Form } from '../pages/form.ts'
import { ActionForm, IDEMPOTENCY_FIELD } from './action_form.tsx'
import { pathOf } from './admin_client.ts'
import { AdminProblem, OWN_PASSWORD_FIELD } from './admin_problem.ts'
import { CLIENT_FIELDS, ClientFields, editOf, formOfNewClient } from './client_form.tsx'
import { NewSecret } from './new_secret.tsx'
import type { Page, PageRequest, PageResponse } from './page.ts'
import { Heading, Link, ProblemNote } from './parts.tsx'
import { SWITCH_FIELD, SwitchTabs, switchTo } from './switch_tabs.tsx'

const newClientPage: Page = {
  method: 'GET',
  path: '/clients/~new',
  role: 'admin',
  async handle(request) {
    const { query, config } = request
    const [first = ''] = config.apis.keys()
    const api = config.apis.has(query.text('api')) ? query.text('api') : first
    // The URL of `switchTo` has the typed values.
    if (query.has('kind')) return showForm(request, api, switchApi(query, config, api))
    const form = formOfNewClient({
      grants: ['password'],
      scopes: defaultScopesOf(config, api),
      kind: 'confidential',
    })
    return showForm(request, api, { form, problem: null })
  },
}

const createClient: Page = {
  method: 'POST',
  path: '/clients/~new',
  role: 'admin',
  async handle(request) {
    const { admin, form, config } = request
    const switched = form.text(SWITCH_FIELD)
    if (config.apis.has(switched)) {
      const redirect = switchTo('/clients/~new', form, ['api', switched])
      return redirect ?? showForm(request, switched, switchApi(form, config, switched))
    }
    const api = form.text('api')
    const body = {
      client_id: form.text('client_id').trim(),
      api,
      confidential: form.text('kind') !== 'public',
      ...editOf(form),
    }
    const created = await admin.change('/clients', clientWithSecretSchema, {
      body,
      idempotencyKey: form.text(IDEMPOTENCY_FIELD),
      ownPassword: form.text(OWN_PASSWORD_FIELD),
    })
    if (created instanceof AdminProblem) return showForm(request, api, { form, problem: created })
    return {
      title: 'Client created',
      status: 201,
      body: (
        <>
          <Heading title={created.client_id} lead="The client was created." />
          <NewSecret client={created} secret={created.client_secret} config={request.config} />
          <p>
            <Link to={pathOf`/clients/${created.client_id}`}>Go to the client</Link>
          </p>
        </>
      ),
    }
  },
}

/** The form does not preselect an admin scope, because it gives rights in the admin API. An operator selects it. */
function defaultScopesOf({ apis }: Config, api: string): string[] {
  return (apis.get(api)?.scopes ?? []).filter((scope) => !isAdminScope(scope))
}

/** The typed values for another API, without the scopes that it does not have. */
function switchApi(form: Form, config: Config, api: string): FieldState<AdminProblem> {
  const known = config.apis.get(api)?.scopes ?? []
  const kept = form.list('scopes').filter((scope) => known.includes(scope))
  const scopes = kept.length > 0 ? kept : defaultScopesOf(config, api)
  return { form: form.with({ scopes }), problem: null }
}

export const NEW_CLIENT_PAGES: readonly Page[] = [newClientPage, createClient]

const CLIENT_ID_IS_FINAL = 'Cannot be changed later.'
/** The error of the field has the same rule, and replaces it. */
const CLIENT_ID_RULE = 'Up to 64 letters, digits, dots, dashes and underscores.'

function showForm(
  { config, csrfToken: csrf }: PageRequest,
  api: string,
  state: FieldState<AdminProblem>,
): PageResponse {
  const { problem } = state
  return compact({
    title: 'New client',
    status: problem === null ? undefined : problem.status,
    body: (
      <>
        <Heading
          title="New client"
          lead="An application that can get tokens for one API. You cannot change the API later."
        />
        {problem === null ? null : (
          <ProblemNote problem={problem.inOrder(CLIENT_FIELDS)} fields={CLIENT_FIELDS} />
        )}
        <ActionForm csrf={csrf} action="/clients/~new" isSentOnce>
          <input type="hidden" name="api" value={api} />
          <SwitchTabs label="API" names={config.apis.keys()} selected={api} submit="Create client" />
          <Input
            state={state}
            name="client_id"
            label="Client id"
            hint={
              problem?.errorsOf('client_id').length
                ? CLIENT_ID_IS_FINAL
                : `${CLIENT_ID_RULE} ${CLIENT_ID_IS_FINAL}`
            }
            required
            maxlength={64}
          />
          <Choices
            state={state}
            name="kind"
            label="Kind"
            type="radio"
            options={[
              { value: 'confidential', label: 'Confidential: a server that can keep a secret' },
              { value: 'public', label: 'Public: a web page or an app' },
            ]}
          />
          <ClientFields state={state} api={api} config={config} />
          <button type="submit" class="primary">
            Create client
          </button>
        </ActionForm>
      </>
    ),
  })
}

import * as z from 'zod/mini'
import { clientSchema, clientWithSecretSchema } from '../admin/client_schemas.ts'
import { IDEMPOTENCY_FIELD } from './action_form.tsx'
import { pathOf } from './admin_client.ts'
import { AdminProblem, OWN_PASSWORD_FIELD } from './admin_problem.ts'
import { editOf } from './client_form.tsx'
import { showClient, typedClientId } from './client_page.tsx'
import { countLiveSessions } from './live_sessions.ts'
import { NewSecret } from './new_secret.tsx'
import { goTo, type Page, type PageRequest } from './page.ts'
import { Heading, Link } from './parts.tsx'
import { checkTypedName } from './typed_name.tsx'

const readClient: Page = {
  method: 'GET',
  path: '/clients/:id',
  role: 'support',
  handle: (request) => showClient(request),
}

const saveClient: Page = {
  method: 'POST',
  path: '/clients/:id',
  role: 'admin',
  async handle(request) {
    const { admin, form } = request
    const body = editOf(form, idOf(request))
    const ownPassword = form.text(OWN_PASSWORD_FIELD)
    const change = { method: 'PATCH', body, etag: form.text('etag'), ownPassword } as const
    const saved = await admin.change(pathOf`/clients/${idOf(request)}`, clientSchema, change)
    if (saved instanceof AdminProblem) return showClient(request, { problem: saved, action: 'edit' })
    return goTo(pathOf`/clients/${idOf(request)}`, 'client-saved')
  },
}

/** An action without fields, and the notice after it. */
function action(verb: 'enable' | 'disable' | 'sign-out', done: string): Page {
  return {
    method: 'POST',
    path: `/clients/:id/${verb}`,
    role: verb === 'sign-out' ? 'support' : 'admin',
    async handle(request) {
      const path = pathOf`/clients/${idOf(request)}`
      const ownPassword = request.form.text(OWN_PASSWORD_FIELD)
      const sessions =
        verb === 'enable' ? undefined : await countLiveSessions(request.admin, { client_id: idOf(request) })
      const outcome = await request.admin.change(`${path}/${verb}`, clientSchema, { ownPassword })
      return outcome instanceof AdminProblem
        ? showClient(request, { problem: outcome, action: verb })
        : goTo(path, done, sessions)
    },
  }
}

const deleteClient: Page = {
  method: 'POST',
  path: '/clients/:id/delete',
  role: 'admin',
  async handle(request) {
    const id = idOf(request)
    const change = { method: 'DELETE', etag: request.form.text('etag') } as const
    const outcome =
      checkTypedName(request.form, typedClientId(id)) ??
      (await request.admin.change(pathOf`/clients/${id}`, z.undefined(), change))
    if (outcome instanceof AdminProblem) return showClient(request, { problem: outcome, action: 'delete' })
    return goTo('/clients', 'client-deleted')
  },
}

const addSecret: Page = {
  method: 'POST',
  path: '/clients/:id/secrets',
  role: 'admin',
  async handle(request) {
    const path = pathOf`/clients/${idOf(request)}`
    const outcome = await request.admin.change(`${path}/secrets`, clientWithSecretSchema, {
      idempotencyKey: request.form.text(IDEMPOTENCY_FIELD),
      ownPassword: request.form.text(OWN_PASSWORD_FIELD),
    })
    if (outcome instanceof AdminProblem) return showClient(request, { problem: outcome, action: 'secrets' })
    return {
      title: 'Secret added',
      status: 201,
      body: (
        <>
          <Heading title={outcome.client_id} lead="The client now has two live secrets." />
          <NewSecret client={outcome} secret={outcome.client_secret} config={request.config} />
          <p>
            <Link to={path}>Go to the client</Link>
          </p>
        </>
      ),
    }
  },
}

const retireSecret: Page = {
  method: 'POST',
  path: '/clients/:id/secrets/:secret/retire',
  role: 'admin',
  async handle(request) {
    const path = pathOf`/clients/${idOf(request)}`
    const secret = request.params.secret ?? ''
    const outcome = await request.admin.change(path + pathOf`/secrets/${secret}/retire`, clientSchema, {
      body: {},
    })
    return outcome instanceof AdminProblem
      ? showClient(request, { problem: outcome })
      : goTo(path, 'secret-retired')
  },
}

/** The actions for one client. */
export const CLIENT_PAGES: readonly Page[] = [
  readClient,
  saveClient,
  action('enable', 'client-enabled'),
  action('disable', 'client-disabled'),
  action('sign-out', 'client-signed-out'),
  deleteClient,
  addSecret,
  retireSecret,
]

function idOf({ params }: PageRequest): string {
  return params.id ?? ''
}

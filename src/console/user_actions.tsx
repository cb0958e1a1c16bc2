import * as z from 'zod/mini'
import { userSchema } from '../admin/user_schemas.ts'
import { pathOf } from './admin_client.ts'
import { AdminProblem, OWN_PASSWORD_FIELD } from './admin_problem.ts'
import { withPasswordLength } from './new_user_page.tsx'
import { goTo, type Page, type Visit } from './page.ts'
import { personOf } from './user_form.tsx'
import { showPerson } from './user_page.tsx'

const readPerson: Page = {
  method: 'GET',
  path: '/people/:id',
  role: 'support',
  handle: (visit) => showPerson(visit),
}

const savePerson: Page = {
  method: 'POST',
  path: '/people/:id',
  role: 'admin',
  async handle(visit) {
    const { admin, form, config } = visit
    const { pool } = await admin.read(apiPathOf(visit), userSchema)
    const body = personOf(form, pool === config.adminApi?.userPool)
    const ownPassword = form.text(OWN_PASSWORD_FIELD)
    const change = { method: 'PATCH', body, etag: form.text('etag'), ownPassword } as const
    const saved = await admin.change(apiPathOf(visit), userSchema, change)
    return saved instanceof AdminProblem
      ? showPerson(visit, { problem: saved, action: 'edit' })
      : goTo(pathOfPerson(visit), 'person-saved')
  },
}

/** An action without a field, and what is said afterwards. */
function action(verb: 'enable' | 'disable' | 'sign-out', done: string): Page {
  return {
    method: 'POST',
    path: `/people/:id/${verb}`,
    role: verb === 'enable' ? 'admin' : 'support',
    async handle(visit) {
      const ownPassword = visit.form.text(OWN_PASSWORD_FIELD)
      const outcome = await visit.admin.change(`${apiPathOf(visit)}/${verb}`, userSchema, { ownPassword })
      return outcome instanceof AdminProblem
        ? showPerson(visit, { problem: outcome, action: verb })
        : goTo(pathOfPerson(visit), done)
    },
  }
}

const askForPassword: Page = {
  method: 'POST',
  path: '/people/:id/ask-password',
  role: 'admin',
  async handle(visit) {
    const body = { must_change_password: true }
    const change = { method: 'PATCH', body, etag: visit.form.text('etag') } as const
    const outcome = await visit.admin.change(apiPathOf(visit), userSchema, change)
    return outcome instanceof AdminProblem
      ? showPerson(visit, { problem: outcome, action: 'ask-password' })
      : goTo(pathOfPerson(visit), 'password-asked')
  },
}

const setPassword: Page = {
  method: 'POST',
  path: '/people/:id/password',
  role: 'admin',
  async handle(visit) {
    const { admin, form } = visit
    const body = {
      password: form.text('password'),
      must_change_password: form.isChecked('must_change_password'),
    }
    const ownPassword = form.text(OWN_PASSWORD_FIELD)
    const outcome = await admin.change(`${apiPathOf(visit)}/password`, userSchema, { body, ownPassword })
    return outcome instanceof AdminProblem
      ? showPerson(visit, { problem: withPasswordLength(outcome, visit), action: 'password' })
      : goTo(pathOfPerson(visit), 'password-set')
  },
}

const deletePerson: Page = {
  method: 'POST',
  path: '/people/:id/delete',
  role: 'admin',
  async handle(visit) {
    const change = { method: 'DELETE', etag: visit.form.text('etag') } as const
    const outcome = await visit.admin.change(apiPathOf(visit), z.undefined(), change)
    return outcome instanceof AdminProblem
      ? showPerson(visit, { problem: outcome, action: 'delete' })
      : goTo('/people', 'person-deleted')
  },
}

/** All that is done for one person. */
export const PERSON_PAGES: readonly Page[] = [
  readPerson,
  savePerson,
  action('enable', 'person-enabled'),
  action('disable', 'person-disabled'),
  action('sign-out', 'person-signed-out'),
  askForPassword,
  setPassword,
  deletePerson,
]

function apiPathOf({ params }: Visit): string {
  return pathOf`/users/${params.id ?? ''}`
}

function pathOfPerson({ params }: Visit): string {
  return pathOf`/people/${params.id ?? ''}`
}

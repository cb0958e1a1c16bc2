import { findNewestEnd } from '@sallyport/formats/newest_end'
import * as z from 'zod/mini'
import { exportSchema, type UserExport } from '../admin/user_data.ts'
import { userSchema } from '../admin/user_schemas.ts'
import { supportSchema } from '../admin/user_support.ts'
import { pathOf } from './admin_client.ts'
import { AdminProblem, OWN_PASSWORD_FIELD } from './admin_problem.ts'
import { withPasswordLength } from './new_user_page.tsx'
import { goTo, type Page, type PageRequest } from './page.ts'
import { sessionsSchema } from './support_view.tsx'
import { checkTypedName } from './typed_name.tsx'
import { typedUsername, usernameToErase } from './user_action_list.tsx'
import { userOf } from './user_form.tsx'
import { showUser } from './user_page.tsx'

/** The newest sessions among which "Why signed out?" looks for the one that ended last. */
const RECENT_SESSIONS = 20

/** The pages of 500 events in an exported file. The command line exports all events. */
const EXPORT_PAGES = 20

const readUser: Page = {
  method: 'GET',
  path: '/users/:id',
  role: 'support',
  handle: (request) => showUser(request),
}

const saveUser: Page = {
  method: 'POST',
  path: '/users/:id',
  role: 'admin',
  async handle(request) {
    const { admin, form, config } = request
    const { pool } = await admin.read(apiPathOf(request), userSchema)
    const body = userOf(form, pool === config.adminApi?.userPool)
    const ownPassword = form.text(OWN_PASSWORD_FIELD)
    const change = { method: 'PATCH', body, etag: form.text('etag'), ownPassword } as const
    const saved = await admin.change(apiPathOf(request), userSchema, change)
    return saved instanceof AdminProblem
      ? showUser(request, { problem: saved, action: 'edit' })
      : goTo(pagePathOf(request), 'user-saved')
  },
}

interface Action {
  /** The last segment of the path, in the console and in the admin API. */
  verb: 'enable' | 'disable' | 'sign-out' | 'require-password-change' | 'unlock'
  role: Page['role']
  /** The notice after the action. */
  done: string
}

/** An action without fields. @param response The schema of the response of the admin API */
function action(response: z.ZodMiniType, { verb, role, done }: Action): Page {
  return {
    method: 'POST',
    path: `/users/:id/${verb}`,
    role,
    async handle(request) {
      const ownPassword = request.form.text(OWN_PASSWORD_FIELD)
      const outcome = await request.admin.change(`${apiPathOf(request)}/${verb}`, response, { ownPassword })
      return outcome instanceof AdminProblem
        ? showUser(request, { problem: outcome, action: verb })
        : goTo(pagePathOf(request), done)
    },
  }
}

const endSession: Page = {
  method: 'POST',
  path: '/users/:id/sessions/:sid/end',
  role: 'support',
  async handle(request) {
    const path = pathOf`/sessions/${request.params.sid ?? ''}`
    const outcome = await request.admin.change(path, z.undefined(), { method: 'DELETE' })
    return outcome instanceof AdminProblem
      ? showUser(request, { problem: outcome, action: 'end-session' })
      : goTo(pagePathOf(request), 'session-ended')
  },
}

/** Leads to the timeline of the user's session that ended last. The timeline explains why it ended. */
const whySignedOut: Page = {
  method: 'GET',
  path: '/users/:id/why',
  role: 'support',
  async handle(request) {
    const { items } = await request.admin.read('/sessions', sessionsSchema, {
      subject: request.params.id,
      limit: RECENT_SESSIONS,
    })
    const session = findNewestEnd(items)
    return session === null ? goTo(pagePathOf(request), 'no-session') : goTo(pathOf`/sessions/${session.sid}`)
  },
}

const setPassword: Page = {
  method: 'POST',
  path: '/users/:id/password',
  role: 'admin',
  async handle(request) {
    const { admin, form } = request
    const body = {
      password: form.text('password'),
      must_change_password: form.isChecked('must_change_password'),
    }
    const ownPassword = form.text(OWN_PASSWORD_FIELD)
    const outcome = await admin.change(`${apiPathOf(request)}/password`, userSchema, { body, ownPassword })
    return outcome instanceof AdminProblem
      ? showUser(request, { problem: withPasswordLength(outcome, request), action: 'password' })
      : goTo(pagePathOf(request), 'password-set')
  },
}

const deleteUser: Page = {
  method: 'POST',
  path: '/users/:id/delete',
  role: 'admin',
  async handle(request) {
    const { admin, form } = request
    const { username } = await admin.read(apiPathOf(request), userSchema)
    const change = { method: 'DELETE', etag: form.text('etag') } as const
    const outcome =
      checkTypedName(form, typedUsername(username)) ??
      (await admin.change(apiPathOf(request), z.undefined(), change))
    return outcome instanceof AdminProblem
      ? showUser(request, { problem: outcome, action: 'delete' })
      : goTo('/users', 'user-deleted')
  },
}

const eraseUser: Page = {
  method: 'POST',
  path: '/users/:id/erase',
  role: 'admin',
  async handle(request) {
    const { admin, form } = request
    const { username } = await admin.read(apiPathOf(request), userSchema)
    const change = { body: { username }, ownPassword: form.text(OWN_PASSWORD_FIELD) }
    const outcome =
      checkTypedName(form, usernameToErase(username)) ??
      (await admin.change(`${apiPathOf(request)}/erase`, z.undefined(), change))
    return outcome instanceof AdminProblem
      ? showUser(request, { problem: outcome, action: 'erase' })
      : goTo('/users', 'user-erased')
  },
}

const exportUser: Page = {
  method: 'POST',
  path: '/users/:id/export',
  role: 'admin',
  async handle(request) {
    const outcome = await readExport(request)
    return outcome instanceof AdminProblem
      ? showUser(request, { problem: outcome, action: 'export' })
      : { fileName: 'user-export.json', document: outcome }
  },
}

/** Reads the first pages of an export as one document. Its `next_cursor` is null if it has every event. */
async function readExport(request: PageRequest): Promise<UserExport | AdminProblem> {
  const { admin, form } = request
  const path = `${apiPathOf(request)}/export`
  const ownPassword = form.text(OWN_PASSWORD_FIELD)
  const first = await admin.change(path, exportSchema, { method: 'GET', ownPassword })
  if (first instanceof AdminProblem) return first
  const document = { ...first, events: [...first.events] }
  for (let page = 1; page < EXPORT_PAGES && document.next_cursor !== null; page++) {
    const next = await admin.read(path, exportSchema, { cursor: document.next_cursor })
    document.events.push(...next.events)
    document.next_cursor = next.next_cursor
  }
  return document
}

/** The actions for one user. */
export const USER_PAGES: readonly Page[] = [
  readUser,
  saveUser,
  action(userSchema, { verb: 'enable', role: 'admin', done: 'user-enabled' }),
  action(userSchema, { verb: 'disable', role: 'support', done: 'user-disabled' }),
  action(userSchema, { verb: 'sign-out', role: 'support', done: 'user-signed-out' }),
  action(userSchema, { verb: 'require-password-change', role: 'support', done: 'password-change-required' }),
  action(supportSchema, { verb: 'unlock', role: 'support', done: 'user-unlocked' }),
  ...[endSession, whySignedOut],
  setPassword,
  ...[deleteUser, eraseUser, exportUser],
]

function apiPathOf({ params }: PageRequest): string {
  return pathOf`/users/${params.id ?? ''}`
}

function pagePathOf({ params }: PageRequest): string {
  return pathOf`/users/${params.id ?? ''}`
}

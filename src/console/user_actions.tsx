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
import { pathOfEnd } from './timeline_page.tsx'
import { checkTypedName } from './typed_name.tsx'
import { typedUsername, type UserAction, usernameToErase } from './user_action_list.tsx'
import { userOf } from './user_form.tsx'
import { showUser } from './user_page.tsx'

/** The newest sessions among which "Why signed out?" looks for the one that ended last. */
const RECENT_SESSIONS = 20

/** The maximum number of pages in an exported file, each with 500 events. The command line exports all events. */
const EXPORT_PAGES = 20

const readUser: Page = {
  method: 'GET',
  path: '/users/:id',
  role: 'support',
  handle: (request) => showUser(request),
}

interface UserChange {
  action: UserAction
  role: Page['role']
  /** Below the page of the user; the name of the action if absent. */
  path?: string
  /** The notice after the action. */
  done: string
  /** The page after the action; the page of the user if absent. */
  next?: string
}

/** A change of one user. @param change Returns its refusal or another value. */
function changeOf(
  { action, role, path = `/${action}`, done, next }: UserChange,
  change: (request: PageRequest) => Promise<unknown>,
): Page {
  return {
    method: 'POST',
    path: `/users/:id${path}`,
    role,
    async handle(request) {
      const outcome = await change(request)
      return outcome instanceof AdminProblem
        ? showUser(request, { problem: outcome, action })
        : goTo(next ?? pathOfUser(request), done)
    },
  }
}

/** A change without fields. @param response The schema of the response of the admin API */
function plainChangeOf(response: z.ZodMiniType, change: UserChange): Page {
  return changeOf(change, (request) =>
    request.admin.change(`${pathOfUser(request)}/${change.action}`, response, ownPasswordOf(request)),
  )
}

const saveUser = changeOf(
  { action: 'edit', path: '', role: 'admin', done: 'user-saved' },
  async (request) => {
    const { admin, form, config } = request
    const { pool } = await admin.read(pathOfUser(request), userSchema)
    const body = userOf(form, pool === config.adminApi?.userPool)
    const change = { method: 'PATCH', body, etag: form.text('etag'), ...ownPasswordOf(request) } as const
    return admin.change(pathOfUser(request), userSchema, change)
  },
)

const endSession = changeOf(
  { action: 'end-session', path: '/sessions/:sid/end', role: 'support', done: 'session-ended' },
  ({ admin, params }) =>
    admin.change(pathOf`/sessions/${params.sid ?? ''}`, z.undefined(), { method: 'DELETE' }),
)

const withdrawConsent = changeOf(
  {
    action: 'withdraw-consent',
    path: '/consents/:consent/withdraw',
    role: 'support',
    done: 'consent-withdrawn',
  },
  ({ admin, params }) =>
    admin.change(pathOf`/users/${params.id ?? ''}/consents/${params.consent ?? ''}`, z.undefined(), {
      method: 'DELETE',
    }),
)

const removeFactor = changeOf(
  { action: 'remove-factor', path: '/factors/:factor/remove', role: 'support', done: 'factor-removed' },
  (request) => {
    const { id = '', factor = '' } = request.params
    const change = { method: 'DELETE', ...ownPasswordOf(request) } as const
    return request.admin.change(pathOf`/users/${id}/factors/${factor}`, z.undefined(), change)
  },
)

const removeAllFactors = changeOf(
  { action: 'remove-factor', path: '/remove-all-factors', role: 'support', done: 'factors-removed' },
  (request) => {
    const change = { method: 'DELETE', ...ownPasswordOf(request) } as const
    return request.admin.change(`${pathOfUser(request)}/factors`, z.undefined(), change)
  },
)

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
    return session === null ? goTo(pathOfUser(request), 'no-session') : goTo(pathOfEnd(session.sid))
  },
}

const setPassword = changeOf({ action: 'password', role: 'admin', done: 'password-set' }, async (request) => {
  const { admin, form } = request
  const body = {
    password: form.text('password'),
    must_change_password: form.isChecked('must_change_password'),
  }
  const change = { body, ...ownPasswordOf(request) }
  const outcome = await admin.change(`${pathOfUser(request)}/password`, userSchema, change)
  return outcome instanceof AdminProblem ? withPasswordLength(outcome, request) : outcome
})

const deleteUser = changeOf(
  { action: 'delete', role: 'admin', done: 'user-deleted', next: '/users' },
  async (request) => {
    const { admin, form } = request
    const { username } = await admin.read(pathOfUser(request), userSchema)
    const change = { method: 'DELETE', etag: form.text('etag') } as const
    return (
      checkTypedName(form, typedUsername(username)) ??
      admin.change(pathOfUser(request), z.undefined(), change)
    )
  },
)

const eraseUser = changeOf(
  { action: 'erase', role: 'admin', done: 'user-erased', next: '/users' },
  async (request) => {
    const { admin, form } = request
    const { username } = await admin.read(pathOfUser(request), userSchema)
    const change = { body: { username }, ...ownPasswordOf(request) }
    return (
      checkTypedName(form, usernameToErase(username)) ??
      admin.change(`${pathOfUser(request)}/erase`, z.undefined(), change)
    )
  },
)

/** A browser saves a file and keeps the page, so a refusal of an earlier attempt stays. */
const STAYS = {
  path: OWN_PASSWORD_FIELD,
  message: 'A download does not reload this page: after the next download, this message is out of date.',
}

const exportUser: Page = {
  method: 'POST',
  path: '/users/:id/export',
  role: 'admin',
  async handle(request) {
    const outcome = await readExport(request)
    return outcome instanceof AdminProblem
      ? showUser(request, { problem: outcome.and([STAYS]), action: 'export' })
      : { fileName: 'user-export.json', document: outcome }
  },
}

/** Reads the first pages of an export as one document. Its `next_cursor` is null if it has every event. */
async function readExport(request: PageRequest): Promise<UserExport | AdminProblem> {
  const { admin } = request
  const path = `${pathOfUser(request)}/export`
  const first = await admin.change(path, exportSchema, { method: 'GET', ...ownPasswordOf(request) })
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
  plainChangeOf(userSchema, { action: 'enable', role: 'admin', done: 'user-enabled' }),
  plainChangeOf(userSchema, { action: 'disable', role: 'support', done: 'user-disabled' }),
  plainChangeOf(userSchema, { action: 'sign-out', role: 'support', done: 'user-signed-out' }),
  plainChangeOf(userSchema, {
    action: 'require-password-change',
    role: 'support',
    done: 'password-change-required',
  }),
  plainChangeOf(userSchema, { action: 'password-reset', role: 'support', done: 'password-reset-sent' }),
  plainChangeOf(supportSchema, { action: 'unlock', role: 'support', done: 'user-unlocked' }),
  endSession,
  withdrawConsent,
  removeFactor,
  removeAllFactors,
  whySignedOut,
  setPassword,
  deleteUser,
  eraseUser,
  exportUser,
]

/** The path of the user in the console, and in the admin API. */
function pathOfUser({ params }: PageRequest): string {
  return pathOf`/users/${params.id ?? ''}`
}

function ownPasswordOf({ form }: PageRequest) {
  return { ownPassword: form.text(OWN_PASSWORD_FIELD) }
}

import * as z from 'zod/mini'
import { eraseUser, makeErasure } from '../accounts/erase_user.ts'
import type { StoredAuditEvent } from '../audit/stored_event.ts'
import { text } from '../lib/input_schemas.ts'
import { isUserId } from '../users/user.ts'
import type { UserRecord } from '../users/user_record.ts'
import { EVENT_ORDERS, eventSchema, showEvent } from './audit.ts'
import { adminEvent, byCaller, requireRemoved } from './change.ts'
import { ALWAYS } from './confirmation.ts'
import { type Call, type Operation, operation } from './operation.ts'
import { readPage, showPage } from './paging.ts'
import { viewerOf } from './permissions.ts'
import { invalidContent, notFound } from './problem.ts'
import { named, paging } from './schemas.ts'
import { describeSessions } from './session_end.ts'
import { findSessions } from './session_page.ts'
import { sessionSchema, type Viewer } from './session_view.ts'
import { refuseOneself } from './user_actions.ts'
import { consentSchema, listConsentsOf } from './user_consents.ts'
import { factorSchema, listFactorsOf } from './user_factors.ts'
import { showUser, userSchema } from './user_schemas.ts'
import { describeSupport, supportSchema } from './user_support.ts'
import { conditionsOf, idOf, lastAdmin, requireUser } from './users.ts'

const PATH = '/users/{id}'
/** The maximum of the events in one response. */
const MAX_EVENTS = 500
/** The maximum of the sessions in an export. */
const MAX_SESSIONS = 500

export const exportSchema = named(
  'UserExport',
  z.strictObject({
    exported_at: z.int(),
    user: userSchema,
    /** The data about the password, without its hash. */
    password: z.strictObject({
      /** When it was last checked against known breaches; null if it was not checked. */
      breach_checked_at: z.nullable(z.int()),
      /** Whether an import may still replace it. */
      replaceable: z.boolean(),
    }),
    /** Older access tokens are refused; null if none was revoked. */
    access_tokens_valid_from: z.nullable(z.int()),
    sign_ins: supportSchema,
    /** Newest first, at most 500; empty on later pages. */
    sessions: z.array(sessionSchema),
    /** Newest first, at most 100; empty on later pages. */
    consents: z.array(consentSchema),
    /** Without secrets; empty on later pages. */
    factors: z.array(factorSchema),
    /** Newest first. An event by an operator has no address of the operator. */
    events: z.array(eventSchema),
    /** The cursor of the next page of events; null on the last page. */
    next_cursor: z.nullable(z.string()),
  }),
)
export type UserExport = z.output<typeof exportSchema>

const exportUser = operation({
  id: 'exportUser',
  method: 'GET',
  path: `${PATH}/export`,
  summary: 'Exports the stored data of a user, without the password hash; up to 500 events a page',
  tag: 'users',
  role: 'admin',
  scope: null,
  confirmation: ALWAYS,
  query: z.strictObject({ cursor: paging.cursor }),
  status: 200,
  response: exportSchema,
  async handle(call) {
    const { query, services, context } = call
    const user = await requireUser(idOf(call), call)
    const isFirst = query.cursor === undefined
    if (isFirst) {
      const about = { subject: user.id, change: { operation: 'exportUser' } }
      services.audit.record(adminEvent(call, 'the data of the user was exported', about), context)
    }
    return { body: await describeUserData(user, query.cursor, viewerOf(call)) }
  },
})

/**
 * The stored data of a user.
 *
 * @param cursor The page of events; undefined for the first page, which has everything else.
 * @throws Problem 422 for another cursor; StorageUnavailable, CorruptRecord
 */
export async function describeUserData(
  user: UserRecord,
  cursor: string | undefined,
  viewer: Viewer,
): Promise<UserExport> {
  const isFirst = cursor === undefined
  const [signIns, sessions, consents, factors, events] = await Promise.all([
    describeSupport(user, viewer),
    isFirst ? listSessionsOf(user, viewer) : [],
    isFirst ? listConsentsOf(user.id, viewer) : [],
    isFirst ? listFactorsOf(user.id, viewer) : [],
    listEventsOf(user, cursor, viewer),
  ])
  return {
    exported_at: viewer.context.now,
    user: showUser(user),
    password: { breach_checked_at: user.breachCheckedAt, replaceable: user.isHashReplaceable },
    access_tokens_valid_from: user.accessValidFrom === 0 ? null : user.accessValidFrom,
    sign_ins: signIns,
    sessions,
    consents,
    factors,
    events: events.items,
    next_cursor: events.next_cursor,
  }
}

async function listSessionsOf({ id }: UserRecord, viewer: Viewer) {
  const page = { sort: 'started', isDescending: true, from: null, isBackwards: false, limit: MAX_SESSIONS }
  const { rows } = await findSessions({ subject: id, clientId: null }, page, viewer.services)
  return (await describeSessions(rows, viewer)).map(({ session }) => session)
}

async function listEventsOf({ id }: UserRecord, cursor: string | undefined, { services }: Viewer) {
  const given = cursor === undefined ? {} : { cursor }
  const { page, total: known } = readPage({ ...given, limit: MAX_EVENTS }, EVENT_ORDERS, '-time')
  const { slice, total } = await services.auditTrail.list({ subject: id }, page, known)
  const show = (event: StoredAuditEvent) => showEvent(withoutOperator(event), new Map())
  return showPage(slice, { page, total }, { ...EVENT_ORDERS.time, show })
}

/** The event without the data of an operator who caused it, who is another user. */
function withoutOperator(event: StoredAuditEvent): StoredAuditEvent {
  if (event.actor === null || event.actor === event.subject) return event
  return { ...event, addressPrefix: null, device: null, country: null }
}

const erasureSchema = named(
  'UserErasure',
  z.strictObject({
    /** The username of the user, so that the wrong user is not erased by mistake. For a deleted user: the id. */
    username: text(255, 'the username of the user, or the id of a deleted user'),
  }),
)

const eraseUserOperation = operation({
  id: 'eraseUser',
  method: 'POST',
  path: `${PATH}/erase`,
  summary:
    'Erases a user: deletes the account, ends every session, and removes the personal data from the audit trail within minutes',
  tag: 'users',
  role: 'admin',
  scope: null,
  confirmation: ALWAYS,
  body: erasureSchema,
  status: 204,
  async handle(call) {
    const { services, context, body } = call
    const user = await services.userAdmin.find(idOf(call))
    if (user === null) return eraseDeletedUser(call)
    refuseOneself(user.id, call)
    if (body.username !== user.username) {
      throw invalidContent([{ path: 'username', message: 'must be the username of the user' }])
    }
    const cause = {
      reason: 'the user was erased',
      conditions: conditionsOf(call),
      event: byCaller(call, { operation: 'eraseUser' }),
    }
    requireRemoved(await eraseUser(user, cause, services, context), 'user', lastAdmin)
    return { body: undefined }
  },
})

export const USER_DATA: readonly Operation[] = [exportUser, eraseUserOperation]

/**
 * Erases the events and sessions of a user who was deleted before. The body must repeat the id.
 *
 * @throws Problem 404 if the audit trail has no event of the user, or if the user is already erased
 */
async function eraseDeletedUser(call: Call & { body: z.output<typeof erasureSchema> }) {
  const { services, context, body } = call
  const id = idOf(call)
  if (!isUserId(id) || body.username !== id) throw notFound('user')
  const erasure = makeErasure(id, services.config, context.now)
  const about = { subject: erasure.pseudonym, change: { operation: 'eraseUser' } }
  const event = adminEvent(call, 'the user was erased', about)
  const isAdded = await services.erasures.addDeleted(erasure, [
    services.audit.additionIfChanged(event, context),
  ])
  if (!isAdded) throw notFound('user')
  return { body: undefined }
}

import { findStoredSession } from '../../admin/sessions.ts'
import { unknownItem } from '../../oauth/errors.ts'
import type { AccountCall } from '../operations/account_call.ts'
import { listApplications, withdrawApplication } from '../operations/connected_applications.ts'
import { endOtherSessions, endOwnSession, listOwnSessions } from '../operations/own_sessions.ts'
import { type ApiCall, userOperation } from './api_operation.ts'

const listSessions = userOperation({
  method: 'GET',
  path: '/sessions',
  summary: 'Lists the live sessions; `is_current` marks the session of the token',
  needsProof: false,
  status: 200,
  async run(call) {
    return { items: await listOwnSessions(call) }
  },
})

const endSession = userOperation({
  method: 'DELETE',
  path: '/sessions/{sid}',
  summary: 'Ends a session and its browser session',
  needsProof: true,
  status: 204,
  async run(call) {
    if (!(await endOwnSession(call.params.sid ?? '', await inOwnBrowser(call)))) throw unknownItem()
    return undefined
  },
})

/** The call in the browser session of its own session, so that it continues. */
async function inOwnBrowser(call: ApiCall): Promise<AccountCall> {
  const id = (await findStoredSession(call.sid, call.services))?.browserId ?? null
  if (id === null || call.params.sid === call.sid) return call
  return { ...call, signedIn: { ...call.signedIn, session: { id, earlierIds: [] } } }
}

const endSessions = userOperation({
  method: 'DELETE',
  path: '/sessions',
  summary: 'Ends every session of the user, also that of the token',
  needsProof: true,
  status: 204,
  async run(call) {
    await endOtherSessions(call)
    return undefined
  },
})

const listOfApplications = userOperation({
  method: 'GET',
  path: '/applications',
  summary: 'Lists the third-party applications with a consent',
  needsProof: false,
  status: 200,
  async run(call) {
    return { items: await listApplications(call) }
  },
})

const removeApplication = userOperation({
  method: 'DELETE',
  path: '/applications/{client_id}',
  summary: 'Withdraws the consents for an application, and ends its sessions',
  needsProof: true,
  status: 204,
  async run(call) {
    const withdrawn = await withdrawApplication(call.params.client_id ?? '', call)
    if (withdrawn.length === 0) throw unknownItem()
    return undefined
  },
})

export const SESSION_OPERATIONS = [
  listSessions,
  endSession,
  endSessions,
  listOfApplications,
  removeApplication,
]

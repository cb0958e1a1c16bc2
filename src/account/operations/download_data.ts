import { describeUserData, type UserExport } from '../../admin/user_data.ts'
import { type AccountCall, accountEvent } from './account_call.ts'
import { requireRecord } from './edit_profile.ts'

/** The most pages of events in a download. A page has 500 events. */
const MAX_PAGES = 20

/** The stored data of a user in one document. */
export interface OwnData extends Omit<UserExport, 'next_cursor'> {
  /** Whether the document has only the newest events. */
  events_truncated: boolean
}

/**
 * The stored data of the caller, as the export of operators. An event by an operator has no address of the operator.
 *
 * @throws InputRefused, StorageUnavailable, CorruptRecord
 */
export async function downloadData(call: AccountCall): Promise<OwnData> {
  const { services, context } = call
  const user = await requireRecord(call)
  services.audit.record(accountEvent('the user downloaded the data', call), context)
  const viewer = { services, context, hiddenPool: null }
  const { next_cursor: next, ...first } = await describeUserData(user, undefined, viewer)
  const events = [...first.events]
  let cursor = next
  for (let page = 1; page < MAX_PAGES && cursor !== null; page++) {
    const further = await describeUserData(user, cursor, viewer)
    events.push(...further.events)
    cursor = further.next_cursor
  }
  return { ...first, events, events_truncated: cursor !== null }
}

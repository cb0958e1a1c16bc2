import { AUDIT_OPERATIONS } from './audit.ts'
import { AUDIT_EXPORT } from './audit_export.ts'
import { CLIENT_ACTIONS } from './client_actions.ts'
import { CLIENT_IMPORT } from './client_import.ts'
import { SECRET_OPERATIONS } from './client_secrets.ts'
import { CLIENT_OPERATIONS } from './clients.ts'
import { KEY_OPERATIONS } from './keys.ts'
import { ME_OPERATIONS } from './me.ts'
import type { Operation } from './operation.ts'
import { OWN_PASSWORD } from './own_password.ts'
import { SEARCH } from './search.ts'
import { TIMELINE_OPERATIONS } from './session_timeline.ts'
import { SESSION_OPERATIONS } from './sessions.ts'
import { STATISTICS_OPERATIONS } from './statistics.ts'
import { USER_ACTIONS } from './user_actions.ts'
import { USER_CONSENTS } from './user_consents.ts'
import { USER_DATA } from './user_data.ts'
import { USER_FACTORS } from './user_factors.ts'
import { USER_IMPORT } from './user_import.ts'
import { USER_MAILS } from './user_mails.ts'
import { USER_SUPPORT } from './user_support.ts'
import { USER_OPERATIONS } from './users.ts'
import { VERIFY_HASH } from './verify_hash.ts'

/** The operations of the admin API. A fixed path precedes a path with a parameter that could match it. */
export const OPERATIONS: readonly Operation[] = [
  ...ME_OPERATIONS,
  ...OWN_PASSWORD,
  ...CLIENT_IMPORT,
  ...CLIENT_OPERATIONS,
  ...CLIENT_ACTIONS,
  ...SECRET_OPERATIONS,
  ...USER_IMPORT,
  ...VERIFY_HASH,
  ...USER_MAILS,
  ...USER_OPERATIONS,
  ...USER_ACTIONS,
  ...USER_SUPPORT,
  ...USER_CONSENTS,
  ...USER_FACTORS,
  ...USER_DATA,
  ...SEARCH,
  ...SESSION_OPERATIONS,
  ...TIMELINE_OPERATIONS,
  ...KEY_OPERATIONS,
  ...AUDIT_OPERATIONS,
  ...AUDIT_EXPORT,
  ...STATISTICS_OPERATIONS,
]

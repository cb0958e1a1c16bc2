import { AUDIT_OPERATIONS } from './audit.ts'
import { SECRET_OPERATIONS } from './client_secrets.ts'
import { CLIENT_OPERATIONS } from './clients.ts'
import { ME_OPERATIONS } from './me.ts'
import type { Operation } from './operation.ts'
import { STORY_OPERATIONS } from './session_story.ts'
import { SESSION_OPERATIONS } from './sessions.ts'
import { USER_ACTIONS } from './user_actions.ts'
import { USER_OPERATIONS } from './users.ts'

/** All that the admin API does. */
export const OPERATIONS: readonly Operation[] = [
  ...ME_OPERATIONS,
  ...CLIENT_OPERATIONS,
  ...SECRET_OPERATIONS,
  ...USER_OPERATIONS,
  ...USER_ACTIONS,
  ...SESSION_OPERATIONS,
  ...STORY_OPERATIONS,
  ...AUDIT_OPERATIONS,
]

import type { ApiOperation } from './api_operation.ts'
import { PASSWORD_RESET_OPERATIONS } from './password_reset_operations.ts'
import { DATA_OPERATIONS, PROFILE_OPERATIONS } from './profile_operations.ts'
import { SESSION_OPERATIONS } from './session_operations.ts'

/** The operations of the JSON API, in the order of docs/accounts.md. */
export const API_OPERATIONS: readonly ApiOperation[] = [
  ...PASSWORD_RESET_OPERATIONS,
  ...PROFILE_OPERATIONS,
  ...SESSION_OPERATIONS,
  ...DATA_OPERATIONS,
]

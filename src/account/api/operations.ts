import type { ApiOperation } from './api_operation.ts'
import { PASSKEY_OPERATIONS } from './passkey_operations.ts'
import { PASSWORD_RESET_OPERATIONS } from './password_reset_operations.ts'
import { DATA_OPERATIONS, PROFILE_OPERATIONS } from './profile_operations.ts'
import { SECOND_FACTOR_OPERATIONS } from './second_factor_operations.ts'
import { SESSION_OPERATIONS } from './session_operations.ts'

/** The operations of the JSON API, in the order of docs/accounts.md. */
export const API_OPERATIONS: readonly ApiOperation[] = [
  ...PASSWORD_RESET_OPERATIONS,
  ...PROFILE_OPERATIONS,
  ...SESSION_OPERATIONS,
  ...PASSKEY_OPERATIONS,
  ...SECOND_FACTOR_OPERATIONS,
  ...DATA_OPERATIONS,
]

import { ACCOUNT_COMMANDS } from './commands/account_commands.ts'
import { APPLY_COMMANDS } from './commands/apply_command.ts'
import { AUDIT_COMMANDS } from './commands/audit_command.ts'
import { AUDIT_EXPORT_COMMANDS } from './commands/audit_export_command.ts'
import { CLIENT_COMMANDS } from './commands/client_commands.ts'
import { CONFIG_COMMANDS } from './commands/config_command.ts'
import { CONSENT_COMMANDS } from './commands/consent_commands.ts'
import { EXPORT_COMMANDS } from './commands/export_command.ts'
import { FACTOR_COMMANDS } from './commands/factor_commands.ts'
import { HELP_COMMANDS } from './commands/help_commands.ts'
import { IMPORT_COMMANDS } from './commands/import_commands.ts'
import { KEY_COMMANDS } from './commands/key_commands.ts'
import { SESSION_COMMANDS } from './commands/session_commands.ts'
import { STATISTICS_COMMANDS } from './commands/statistics_command.ts'
import { SUPPORT_COMMANDS } from './commands/support_commands.ts'
import { USER_COMMANDS } from './commands/user_commands.ts'
import { USER_DATA_COMMANDS } from './commands/user_data_commands.ts'
import { WHY_COMMANDS } from './commands/why_command.ts'
import type { Command } from './core/command.ts'

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  ...ACCOUNT_COMMANDS,
  ...CLIENT_COMMANDS,
  ...USER_COMMANDS,
  ...USER_DATA_COMMANDS,
  ...SUPPORT_COMMANDS,
  ...CONSENT_COMMANDS,
  ...FACTOR_COMMANDS,
  ...SESSION_COMMANDS,
  ...WHY_COMMANDS,
  ...AUDIT_COMMANDS,
  ...AUDIT_EXPORT_COMMANDS,
  ...STATISTICS_COMMANDS,
  ...KEY_COMMANDS,
  ...IMPORT_COMMANDS,
  ...APPLY_COMMANDS,
  ...EXPORT_COMMANDS,
  ...CONFIG_COMMANDS,
  ...HELP_COMMANDS,
]

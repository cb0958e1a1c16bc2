/**
 * The files that take longer than 20 seconds, in the order in which they start. Files of the demo run one after the other, so that
 * others are between them.
 */
export const LONG_FILES = [
  ...['console_browser/operator_story', 'demo/shop', 'scripts/commands', 'cli/commands'],
  ...['demo/account_day', 'e2e/killed_mid_refresh', 'e2e/restore_drill', 'demo/redirect'],
  ...['scripts/package', 'demo/mcp', 'cli/apply', 'e2e/killed_mid_archive', 'cli/import', 'demo/apis'],
  ...['cli/sign_in', 'e2e/upgrade/versions', 'console_browser/second_factor', 'e2e/revocation_bound'],
  ...['demo/ucp_platform', 'cli/presets', 'readers/readers'],
  // In workerd.
  ...['sessions.property', 'session_faults.property', 'copy_ages', 'write_budgets.property'],
  ...['audit_archive/archive', 'session_faults', 'session_policies.property', 'reliability'],
  ...['session_interleavings.property', 'fuzz/admin', 'fuzz/tokens', 'key_rotation'],
].map((name) => `test/${name}.test.ts`)

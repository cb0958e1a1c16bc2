import { compact } from '../lib/compact.ts'

/** Sends a request to the token service. */
export type Server = (request: Request) => Promise<Response>

/**
 * The secrets and variables that the Worker of management gets from the token service with each call, so that an operator sets
 * and changes them once.
 */
export interface ManagementSettings {
  /** 256 random bits as base64url. The private signing keys are encrypted under it. */
  SEALING_KEY: string
  /** The successor of SEALING_KEY, set only while the key is changed. */
  SEALING_KEY_NEXT?: string
  /** A JSON object: the keys that imported password hashes need (docs/password-hashes.md#keys). */
  HASH_KEYS?: string
  /** The port of a local server, if it differs from the port in config.yml. */
  LOCAL_PORT?: string
  /** The audiences of APIs on other local ports (`resolveConfig`). */
  LOCAL_AUDIENCES?: string
}

/** The Worker of management, which has no address of its own (Workers RPC). */
export interface ManagementBinding {
  /** Handles a request for the admin API, the console or the account pages. */
  handle(request: Request, call: { server: Server; settings: ManagementSettings }): Promise<Response>
  /** Runs the work of the cron trigger. */
  runCron(settings: ManagementSettings): Promise<void>
}

/** The settings for the Worker of management. */
export function managementSettingsOf(env: ManagementSettings): ManagementSettings {
  const { SEALING_KEY, SEALING_KEY_NEXT, HASH_KEYS, LOCAL_PORT, LOCAL_AUDIENCES } = env
  const optional = compact({ SEALING_KEY_NEXT, HASH_KEYS, LOCAL_PORT, LOCAL_AUDIENCES })
  return { SEALING_KEY, ...optional }
}

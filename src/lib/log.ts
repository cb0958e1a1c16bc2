type Level = 'info' | 'warn' | 'error'

/** The fields of a log line. A field must never contain a password, a secret or a token. */
export type LogFields = Record<string, string | number | boolean | null | undefined>

/** Writes one JSON line. No other module uses the console. */
export function log(level: Level, event: string, fields: LogFields = {}): void {
  console[level](JSON.stringify({ level, event, ...fields }))
}

/** The name and message of a caught value. For log lines only, never for a response. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

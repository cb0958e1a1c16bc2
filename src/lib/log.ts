type Level = 'info' | 'warn' | 'error'

/** What a log line may carry. No field ever holds a password, a secret or a token. */
export type LogFields = Record<string, string | number | boolean | null | undefined>

/** Writes one JSON line. The single place that knows the console. */
export function log(level: Level, event: string, fields: LogFields = {}): void {
  console[level](JSON.stringify({ level, event, ...fields }))
}

/** The name and message of a caught value, for a log line and never for a response. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

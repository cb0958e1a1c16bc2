import { insufficientScope } from './refusal.ts'

/** RFC 6749 §3.3. Other text would break the challenge that contains it. */
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/

/**
 * Reads scope tokens. A text has them separated by spaces.
 *
 * @throws TypeError if a token has a character that RFC 6749 §3.3 does not allow
 */
export function readScope(name: string, scope: string | readonly string[] = []): readonly string[] {
  const tokens = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : scope
  if (Array.isArray(tokens) && tokens.every((token) => SCOPE_TOKEN.test(token))) return tokens
  throw new TypeError(`${name} must have only scope tokens (RFC 6749 §3.3)`)
}

/** @throws Refusal 403 if the token lacks a required scope */
export function checkScope(granted: readonly string[], required: readonly string[]): void {
  if (!required.every((token) => granted.includes(token))) throw insufficientScope(required)
}

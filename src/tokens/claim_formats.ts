import { formatScope, parseScope } from '../oauth/scope.ts'
import { InvalidToken } from './invalid_token.ts'

/** Converts a claim between its typed value and its JSON value. */
export interface ClaimFormat<T> {
  /** The JSON value. The token omits the claim if it is undefined. */
  format(value: T): unknown
  /** The typed value. `json` is undefined if the token lacks the claim. @throws InvalidToken */
  parse(json: unknown): T
}

export const text = simple((json) => typeof json === 'string')

/** Whole Unix seconds. */
export const time = simple((json): json is number => Number.isInteger(json))

export const count = simple((json): json is number => Number.isInteger(json) && Number(json) >= 0)

/** A JSON array of names. The token omits an empty list. */
export const names: ClaimFormat<readonly string[]> = {
  format: (list) => (list.length === 0 ? undefined : list),
  parse(json = []) {
    if (!Array.isArray(json)) throw wrongType()
    return json.map(text.parse)
  },
}

/** Scope tokens, separated by spaces (RFC 9068 §2.2.3). The token omits an empty scope. */
export const scopeTokens: ClaimFormat<readonly string[]> = {
  format: (tokens) => (tokens.length === 0 ? undefined : formatScope(tokens)),
  parse: (json = '') => parseScope(text.parse(json)),
}

/** A boolean. The token has also false. */
export const truth = simple((json) => typeof json === 'boolean')

/** A boolean. The token omits false. */
export const flag: ClaimFormat<boolean> = {
  format: (isSet) => isSet || undefined,
  parse: (json = false) => truth.parse(json),
}

/** The RFC 7638 thumbprint of the key to which a token is bound (RFC 9449 §6.1). */
export const keyConfirmation: ClaimFormat<string> = {
  format: (thumbprint) => ({ jkt: thumbprint }),
  parse(json) {
    if (typeof json !== 'object' || json === null || !('jkt' in json)) throw wrongType()
    return text.parse(json.jkt)
  },
}

/** The format of an optional claim. The value is null if the token lacks the claim. */
export function optional<T>({ format, parse }: ClaimFormat<T>): ClaimFormat<T | null> {
  return {
    format: (value) => (value === null ? undefined : format(value)),
    parse: (json) => (json === undefined ? null : parse(json)),
  }
}

/** A format whose typed value equals its JSON value. */
function simple<T>(isValid: (json: unknown) => json is T): ClaimFormat<T> {
  return {
    format: (value) => value,
    parse(json) {
      if (!isValid(json)) throw wrongType()
      return json
    },
  }
}

/** The message omits the value, because an attacker may have chosen it. */
function wrongType(): InvalidToken {
  return new InvalidToken('a claim has the wrong type')
}

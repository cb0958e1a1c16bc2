import { formatScope, parseScope } from '../oauth/scope.ts'
import { InvalidToken } from './invalid_token.ts'

/** How a typed value becomes the JSON value of a claim, and the reverse. */
export interface ClaimFormat<T> {
  /** The JSON value; undefined leaves the claim out of the token. */
  format(value: T): unknown
  /** The typed value; an absent claim is undefined. @throws InvalidToken */
  parse(json: unknown): T
}

export const text = simple((json) => typeof json === 'string')

/** Whole Unix seconds. */
export const time = simple((json): json is number => Number.isInteger(json))

export const count = simple((json): json is number => Number.isInteger(json) && Number(json) >= 0)

/** A JSON array of names. An empty list is left out. */
export const names: ClaimFormat<readonly string[]> = {
  format: (list) => (list.length === 0 ? undefined : list),
  parse(json = []) {
    if (!Array.isArray(json)) throw wrongType()
    return json.map(text.parse)
  },
}

/** Scope tokens, separated by spaces (RFC 9068 §2.2.3). An empty scope is left out. */
export const scopeTokens: ClaimFormat<readonly string[]> = {
  format: (tokens) => (tokens.length === 0 ? undefined : formatScope(tokens)),
  parse: (json = '') => parseScope(text.parse(json)),
}

const boolean = simple((json) => typeof json === 'boolean')

/** True. False is left out. */
export const flag: ClaimFormat<boolean> = {
  format: (isSet) => isSet || undefined,
  parse: (json = false) => boolean.parse(json),
}

/** The RFC 7638 thumbprint of the key that a token is bound to (RFC 9449 §6.1). */
export const keyConfirmation: ClaimFormat<string> = {
  format: (thumbprint) => ({ jkt: thumbprint }),
  parse(json) {
    if (typeof json !== 'object' || json === null || !('jkt' in json)) throw wrongType()
    return text.parse(json.jkt)
  },
}

/** The format of a claim that a token can lack. Its value is null then. */
export function optional<T>({ format, parse }: ClaimFormat<T>): ClaimFormat<T | null> {
  return {
    format: (value) => (value === null ? undefined : format(value)),
    parse: (json) => (json === undefined ? null : parse(json)),
  }
}

/** A value that is the same in JSON. */
function simple<T>(isValid: (json: unknown) => json is T): ClaimFormat<T> {
  return {
    format: (value) => value,
    parse(json) {
      if (!isValid(json)) throw wrongType()
      return json
    },
  }
}

/** Its message does not name the value: a forger chooses it. */
function wrongType(): InvalidToken {
  return new InvalidToken('a claim has the wrong type')
}

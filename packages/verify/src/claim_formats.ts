import { invalidToken } from './refusal.ts'

/** How the JSON value of a claim becomes a typed value, and the reverse. */
export interface ClaimFormat<T> {
  /** @param name The name of the claim, for the error. An absent claim is undefined. @throws Refusal */
  parse(json: unknown, name: string): T
  format(value: T): unknown
}

export const text: ClaimFormat<string> = {
  parse(json, name) {
    if (typeof json === 'string') return json
    throw invalidToken(`its ${name} is not text`)
  },
  format: (value) => value,
}

/** Text that every token has. An empty text counts as absent. */
export const requiredText: ClaimFormat<string> = {
  parse(json, name) {
    if (json === undefined || json === '') throw invalidToken(`it has no ${name}`)
    return text.parse(json, name)
  },
  format: (value) => value,
}

/** Whole Unix seconds that every token has. */
export const time: ClaimFormat<number> = {
  parse(json, name) {
    if (typeof json === 'number' && Number.isInteger(json)) return json
    throw invalidToken(`its ${name} is not a whole second`)
  },
  format: (value) => value,
}

/** Scope tokens, separated by spaces (RFC 9068 §2.2.3). */
export const scopeTokens: ClaimFormat<readonly string[]> = {
  parse: (json = '', name) => text.parse(json, name).split(' ').filter(Boolean),
  format: (tokens) => tokens.join(' '),
}

export const names: ClaimFormat<readonly string[]> = {
  parse(json = [], name) {
    if (Array.isArray(json) && json.every((item) => typeof item === 'string')) return json
    throw invalidToken(`its ${name} are not a list of names`)
  },
  format: (list) => list,
}

/** True or false. An absent claim is false, and false is left out. */
export const flag: ClaimFormat<boolean> = {
  parse(json = false, name) {
    if (typeof json === 'boolean') return json
    throw invalidToken(`its ${name} is not true or false`)
  },
  format: (isSet) => isSet || undefined,
}

/** The thumbprint of a key as a confirmation (RFC 9449 §6.1). */
export const keyConfirmation: ClaimFormat<string> = {
  parse(json, name) {
    if (typeof json === 'object' && json !== null && 'jkt' in json) return text.parse(json.jkt, `${name}.jkt`)
    throw invalidToken(`its ${name} has no jkt`)
  },
  format: (thumbprint) => ({ jkt: thumbprint }),
}

/** The format of a claim that a token can lack. Its value is null then. */
export function optional<T>({ parse, format }: ClaimFormat<T>): ClaimFormat<T | null> {
  return {
    parse: (json, name) => (json === undefined ? null : parse(json, name)),
    format: (value) => (value === null ? undefined : format(value)),
  }
}

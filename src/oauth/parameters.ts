import { hasRepeatedKey } from '../lib/repeated_key.ts'
import { splitOnce } from '../lib/split_once.ts'
import { malformedRequest, missingParameter, notAString } from './errors.ts'

/** Parameters that a request may repeat (RFC 8707 §2). */
const REPEATABLE: ReadonlySet<string> = new Set(['resource'])

/**
 * The parameters of one request. An empty value and a `null` in JSON count as absent (RFC 6749 §3.1). Only the methods check the
 * type of a value, because the server ignores unknown parameters (§3.2).
 */
export class Parameters {
  readonly #values: ReadonlyMap<string, unknown>

  /** @param values The value of each parameter. A parameter that a request may repeat has a list of values. */
  constructor(values: ReadonlyMap<string, unknown>) {
    this.#values = values
  }

  /** @throws OAuthError invalid_request if the value is not a string */
  find(name: string): string | null {
    return readText(name, this.#values.get(name))
  }

  /**
   * All values of a parameter that a request may repeat.
   *
   * @throws OAuthError invalid_request if a value is not a string
   */
  findAll(name: string): string[] {
    const value = this.#values.get(name)
    const values = Array.isArray(value) ? value : [value]
    return values.map((item) => readText(name, item)).filter((text) => text !== null)
  }

  /** @throws OAuthError invalid_request, with the name of the parameter */
  require(name: string): string {
    const value = this.find(name)
    if (value === null) throw missingParameter(name)
    return value
  }
}

function readText(name: string, value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null
  if (typeof value !== 'string') throw notAString(name)
  return value
}

/**
 * Reads the members of a JSON object as parameters.
 *
 * @throws OAuthError invalid_request if the text is not a JSON object or repeats a member (RFC 6749 §3.2)
 */
export function parseJsonParameters(text: string): Parameters {
  const members = Object.entries(parseJsonObject(text))
  // The server reads only the outermost object.
  if (hasRepeatedKey(text, { depth: 1 })) throw malformedRequest('repeated_parameter')
  return new Parameters(new Map(members))
}

/**
 * Reads a JSON object.
 *
 * @throws OAuthError invalid_request for another text
 */
export function parseJsonObject(text: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformedRequest('not_json')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformedRequest('not_an_object')
  }
  return value
}

/**
 * Reads the parameters of an `application/x-www-form-urlencoded` body.
 *
 * @throws OAuthError invalid_request if the body has an invalid percent encoding or a repeated name (RFC 6749 §3.2)
 */
export function parseFormParameters(text: string): Parameters {
  const values = new Map<string, string | string[]>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const [name, value] = splitOnce(pair, '=').map(decodeFormText) as [string, string]
    const earlier = values.get(name)
    if (earlier !== undefined && !REPEATABLE.has(name)) throw malformedRequest('repeated_parameter')
    values.set(name, earlier === undefined ? value : [earlier, value].flat())
  }
  return new Parameters(values)
}

function decodeFormText(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw malformedRequest('not_a_form')
  }
}

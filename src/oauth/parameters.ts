import { hasRepeatedKey } from '../lib/repeated_key.ts'
import { splitOnce } from '../lib/split_once.ts'
import { malformedRequest, missingParameter, notAString } from './errors.ts'

/** Parameters that a request may have more than once (RFC 8707 §2). */
const REPEATABLE: ReadonlySet<string> = new Set(['resource'])

/**
 * The parameters of one request. An empty value counts as absent (RFC 6749 §3.1), and so does `null` in JSON. The type of
 * a value is checked when the parameter is read: the server ignores parameters that it does not know (§3.2).
 */
export class Parameters {
  readonly #values: ReadonlyMap<string, unknown>

  /** @param values Each parameter with its value; a parameter that may be repeated, with a list of values. */
  constructor(values: ReadonlyMap<string, unknown>) {
    this.#values = values
  }

  /** @throws OAuthError invalid_request if the value is not a string */
  find(name: string): string | null {
    return readText(name, this.#values.get(name))
  }

  /**
   * Every value of a parameter that may be repeated.
   *
   * @throws OAuthError invalid_request if a value is not a string
   */
  findAll(name: string): string[] {
    const value = this.#values.get(name)
    const values = Array.isArray(value) ? value : [value]
    return values.map((item) => readText(name, item)).filter((text) => text !== null)
  }

  /** @throws OAuthError invalid_request naming the parameter */
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
 * Parameters from the members of a JSON object.
 *
 * @throws OAuthError invalid_request if the text is not a JSON object or repeats a member (RFC 6749 §3.2)
 */
export function parseJsonParameters(text: string): Parameters {
  const members = Object.entries(parseJsonObject(text))
  // Objects inside a member are not read.
  if (hasRepeatedKey(text, { depth: 1 })) throw malformedRequest('repeated_parameter')
  return new Parameters(new Map(members))
}

function parseJsonObject(text: string): object {
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
 * Parameters from an `application/x-www-form-urlencoded` body.
 *
 * @throws OAuthError invalid_request on a broken percent sequence or a repeated name (RFC 6749 §3.2)
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

import { splitOnce } from '../lib/split_once.ts'
import { malformedRequest, missingParameter } from './errors.ts'

/** The parameters of one request. An empty value counts as absent (RFC 6749 §3.1). */
export class Parameters {
  readonly #values: ReadonlyMap<string, string>

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values
  }

  find(name: string): string | null {
    return this.#values.get(name) || null
  }

  /** @throws OAuthError invalid_request naming the parameter */
  require(name: string): string {
    const value = this.find(name)
    if (value === null) throw missingParameter(name)
    return value
  }
}

/**
 * Parameters from a JSON object whose values are strings.
 *
 * @throws OAuthError invalid_request where the text is anything else, or repeats a key (RFC 6749 §3.2)
 */
export function parseJsonParameters(text: string): Parameters {
  const entries = Object.entries(parseJsonObject(text))
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) {
    throw malformedRequest('Every parameter must be a string.')
  }
  // A flat object of n strings has 2n string literals. A key written twice has at least one more.
  const literals = text.match(/"(?:[^"\\]|\\.)*"/g) ?? []
  if (literals.length !== entries.length * 2) throw malformedRequest('A parameter is repeated.')
  return new Parameters(new Map(entries))
}

function parseJsonObject(text: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformedRequest('The request body is not valid JSON.')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformedRequest('The request body must be a JSON object.')
  }
  return value
}

/**
 * Parameters from an `application/x-www-form-urlencoded` body.
 *
 * @throws OAuthError invalid_request on a broken percent sequence or a repeated name (RFC 6749 §3.2)
 */
export function parseFormParameters(text: string): Parameters {
  const values = new Map<string, string>()
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const [name, value] = splitOnce(pair, '=').map(decodeFormText) as [string, string]
    if (values.has(name)) throw malformedRequest('A parameter is repeated.')
    values.set(name, value)
  }
  return new Parameters(values)
}

function decodeFormText(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw malformedRequest('The request body is not a valid form.')
  }
}

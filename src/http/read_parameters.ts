import { decodeUtf8 } from '../lib/bytes.ts'
import { hasRepeatedKey } from '../lib/repeated_key.ts'
import { bodyTooLarge, malformedRequest } from '../oauth/errors.ts'
import {
  type Parameters,
  parseFormParameters,
  parseJsonObject,
  parseJsonParameters,
} from '../oauth/parameters.ts'
import { MAX_BODY_BYTES } from './handlers.ts'
import { mediaTypeOf } from './media_type.ts'

type Parser = (text: string) => Parameters

const PARSERS: ReadonlyMap<string, Parser> = new Map([
  ['application/json', parseJsonParameters],
  ['application/x-www-form-urlencoded', parseFormParameters],
])

/**
 * Reads the parameters of a request from its body. The function refuses parameters in the URL, because URLs are often logged
 * (RFC 6749 §2.3.1).
 *
 * @throws OAuthError invalid_request
 */
export async function readParameters(request: Request): Promise<Parameters> {
  if (request.url.includes('?')) throw malformedRequest('parameters_in_address')
  const parse = requireParser(request.headers)
  return parse(await readText(request))
}

/**
 * Reads a JSON object from the body of a request. The function refuses parameters in the URL.
 *
 * @throws OAuthError invalid_request
 */
export async function readJsonObject(request: Request): Promise<object> {
  if (request.url.includes('?')) throw malformedRequest('parameters_in_address')
  const { headers } = request
  if (mediaTypeOf(headers) !== 'application/json' || headers.has('Content-Encoding'))
    throw malformedRequest('not_json_type')
  const text = await readText(request)
  const object = parseJsonObject(text)
  if (hasRepeatedKey(text)) throw malformedRequest('repeated_parameter')
  return object
}

async function readText(request: Request): Promise<string> {
  const bytes = await request.arrayBuffer()
  // The Content-Length may be wrong.
  if (bytes.byteLength > MAX_BODY_BYTES) throw bodyTooLarge()
  const text = decodeUtf8(bytes)
  if (text === null) throw malformedRequest('not_utf8')
  return text
}

/**
 * Reads the parameters of a page: from the query of a GET, or from the body of a POST.
 *
 * @throws OAuthError invalid_request
 */
export async function readPageParameters(request: Request): Promise<Parameters> {
  if (request.method === 'POST') return readParameters(request)
  return parseFormParameters(new URL(request.url).search.slice(1))
}

function requireParser(headers: Headers): Parser {
  const parser = PARSERS.get(mediaTypeOf(headers) ?? '')
  if (!parser || headers.has('Content-Encoding')) {
    throw malformedRequest('content_type')
  }
  return parser
}

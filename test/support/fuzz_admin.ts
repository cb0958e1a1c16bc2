import fc from 'fast-check'
import * as z from 'zod/mini'
import type { Operation } from '../../src/admin/operation.ts'
import { compact } from '../../src/lib/compact.ts'
import { type FuzzRequest, otherHeaders, rawBody, sometimes } from './fuzz_requests.ts'
import { CANARY, toHeaderValue, wildHeaderValue, wildJson, wildText } from './fuzz_text.ts'
import { ISSUER } from './server.ts'

/** Records that operations can name. No other test uses them. */
export interface Victims {
  client_id: string
  secret_id: string
  id: string
  sid: string
}

/** The part of JSON Schema that the operations use. */
interface Schema {
  type?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  enum?: unknown[]
  anyOf?: Schema[]
}

/** The public key of RFC 7515 appendix A.3. */
const EC_KEY = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
}

/** Valid values by the names of the fields. */
const GOOD: Record<string, unknown[]> = {
  api: ['storefront', 'storefront', 'storefront', 'backoffice', 'admin'],
  pool: ['customers', 'staff', 'operators'],
  grants: [['password'], ['client_credentials'], ['authorization_code', 'refresh_token']],
  scopes: [['cart'], ['orders', 'cart'], [], []],
  origins: [['https://app.shop.test'], []],
  redirect_uris: [['https://app.shop.test/callback', 'com.shop.app:/callback'], ['http://127.0.0.1/'], []],
  post_logout_redirect_uris: [['https://app.shop.test/'], []],
  jwks: [{ keys: [EC_KEY] }, { keys: [] }, null],
  jwks_uri: ['https://partner.example/jwks', null],
  logo_uri: ['/logos/shop.svg', 'data:image/png;base64,iVBORw0KGgo=', null],
  client_uri: ['https://shop.test', null],
  policy_uri: ['https://shop.test/privacy', null],
  tos_uri: ['https://shop.test/terms', null],
  roles: [['wholesale'], ['support'], []],
  cursor: ['InIi', 'eyJhdCI6MSwiaWQiOjF9', 'eyJzdGFydGVkQXQiOjEsInNpZCI6InMxLngifQ', 'bnVsbA'],
  limit: [1, 100, 0, 101],
  password: ['a long enough password'],
  current_password: ['another password'],
  expires_at: [4_000_000_000, 0, Number.MAX_SAFE_INTEGER],
  client_secret: ['s'.repeat(40)],
}

const newName = fc.uuid().map((id) => `made-${id}`)

/** The generators for the texts and numbers of a value. */
interface Making {
  text: fc.Arbitrary<string>
  number: fc.Arbitrary<number>
  /** The percentage of values that are any JSON instead of a value of the schema. */
  wildness: number
}

const WILD: Making = {
  text: wildText,
  number: fc.oneof(fc.maxSafeInteger(), fc.constantFrom(0, -1, 1, 60, 300, 3600, 1.5, 2 ** 53, 1e308)),
  wildness: 10,
}

/** Texts that the first checks accept: short and unusual, without control characters. */
const MILD: Making = {
  text: wildText.map((text) => text.replaceAll(/\p{Cc}/gu, '').slice(0, 60) || CANARY),
  number: fc.constantFrom(300, 3600, 86_400),
  wildness: 0,
}

/** JSON by a schema, with a valid value for each known name. */
function valueBy(schema: Schema, name: string, making: Making): fc.Arbitrary<unknown> {
  const good = GOOD[name] ?? []
  return fc.oneof(
    { weight: good.length > 0 ? 20 : 50, arbitrary: typedValue(schema, name, making) },
    { weight: good.length > 0 ? 80 : 0, arbitrary: fc.constantFrom(...(good.length > 0 ? good : [null])) },
    { weight: making.wildness, arbitrary: wildJson },
  )
}

function typedValue(schema: Schema, name: string, making: Making): fc.Arbitrary<unknown> {
  const { type, items = {}, anyOf } = schema
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (anyOf) return fc.oneof(...anyOf.map((one) => typedValue(one, name, making)))
  if (type === 'object' && schema.properties) return objectBy(schema.properties, schema.required, making)
  if (type === 'object') return fc.dictionary(wildText, wildJson, { maxKeys: 3 })
  if (type === 'array') return fc.array(valueBy(items, name, making), { maxLength: 3 })
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer' || type === 'number') return making.number
  if (type === 'null') return fc.constant(null)
  return name === 'client_id' ? fc.oneof({ weight: 4, arbitrary: newName }, wildText) : making.text
}

function objectBy(
  properties: Record<string, Schema>,
  required: string[] = [],
  making: Making = WILD,
): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(properties).map(
    ([name, schema]) => [name, valueBy(schema, name, making)] as const,
  )
  const members = Object.fromEntries(entries)
  const others = fc.dictionary(wildText, wildJson, { maxKeys: 1 })
  const known = fc.record(members, { requiredKeys: required })
  if (making.wildness === 0) return known
  return fc.oneof(
    { weight: 6, arbitrary: known },
    { weight: 1, arbitrary: fc.record(members, { requiredKeys: [] }) },
    { weight: 1, arbitrary: fc.tuple(known, others).map(([one, other]) => ({ ...other, ...one })) },
  )
}

/** Half of the values fit the schema. The others are any JSON. */
function anyBy(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof(typedValue(schema, '', MILD), valueBy(schema, '', WILD))
}

/** Rows of an import. The schema of a batch does not describe rows, so the schema of a single record is used. */
function bodyOf({ id, body }: Operation, rows: Readonly<Record<string, Operation>>): fc.Arbitrary<unknown> {
  if (body === undefined) return fc.constant(undefined)
  const row = rows[id]
  if (row?.body === undefined) return anyBy(schemaOf(body))
  const batch = fc.record(
    {
      rows: fc.array(anyBy(schemaOf(row.body)), { maxLength: 4 }),
      dry_run: fc.boolean(),
    },
    { requiredKeys: ['rows'] },
  )
  return fc.oneof({ weight: 4, arbitrary: batch }, { weight: 1, arbitrary: anyBy(schemaOf(body)) })
}

function schemaOf(schema: z.ZodMiniType): Schema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Schema
}

/** A path with its parameters: ids of the records above, or any text. */
function pathOf({ path }: Operation, victims: () => Victims): fc.Arbitrary<string> {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const values = names.map(() => fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, wildSegment))
  return fc.tuple(...values).map((given) =>
    names.reduce((filled, name, i) => {
      const own = victims()[name as keyof Victims] ?? CANARY
      return filled.replace(`{${name}}`, () => given[i] ?? own)
    }, path),
  )
}

const wildSegment = fc.oneof(
  wildText.map((text) => encodeURIComponent(text.toWellFormed()) || '%20'),
  fc.constantFrom('%00', '%zz', '%2e%2e', '%2F', '..%2f', '%c0%80', `${CANARY}%`, 's1.', 's1.x', 'eu.x'),
  fc.nat({ max: 3000 }).map((length) => CANARY + 'p'.repeat(length)),
)

/** Query parameters: known names with any value, and a few unknown or repeated names. */
function queryOf({ query }: Operation): fc.Arbitrary<string> {
  const properties = query === undefined ? {} : (schemaOf(query).properties ?? {})
  const names = Object.keys(properties)
  const known = fc
    .tuple(fc.subarray(names, { maxLength: Math.min(3, names.length) }), fc.constantFrom(MILD, MILD, WILD))
    .chain(([some, making]) => {
      const values = some.map((name) => [name, valueBy(properties[name] ?? {}, name, making)] as const)
      return fc.record(Object.fromEntries(values))
    })
  const extra = fc.array(fc.tuple(wildText, wildText), { maxLength: 2 })
  return fc
    .tuple(
      known,
      fc.oneof(
        { weight: 5, arbitrary: fc.constant<[string, string][]>([]) },
        { weight: 1, arbitrary: extra },
      ),
    )
    .map(([values, others]) => [...Object.entries(values), ...others])
    .map((pairs) => pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&'))
    .map((text) => (text === '' ? '' : `?${text}`))
}

function encode(value: unknown): string {
  return encodeURIComponent((typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed())
}

const ifMatch = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('"1"', '*', '*', '*') },
  {
    weight: 1,
    arbitrary: fc.oneof(wildHeaderValue, fc.constantFrom('W/"1"', '"', ',,', '"999999999999999"', '1')),
  },
)

const idempotencyKey = fc.oneof(
  fc.constant(null),
  wildHeaderValue,
  wildHeaderValue.map((text) => `"${text}"`),
  fc.constantFrom('"one key"', '"one key"', '""', '"', `"${CANARY.repeat(30)}"`),
)

interface Surroundings {
  victims: () => Victims
  /** The operation whose body has the form of a row, for each import. */
  rows: Readonly<Record<string, Operation>>
}

/** Calls of an operation without a token. */
export function callOf(operation: Operation, { victims, rows }: Surroundings): fc.Arbitrary<FuzzRequest> {
  const json = bodyOf(operation, rows).map((value) => (value === undefined ? null : JSON.stringify(value)))
  return fc
    .record({
      path: pathOf(operation, victims),
      query: queryOf(operation),
      body: fc.oneof({ weight: 9, arbitrary: json }, { weight: 1, arbitrary: rawBody }),
      type: fc.oneof({ weight: 14, arbitrary: fc.constant('application/json') }, wildText.map(toHeaderValue)),
      headers: sometimes(otherHeaders),
      version: fc.oneof({ weight: 3, arbitrary: ifMatch }, { weight: 1, arbitrary: fc.constant(null) }),
      key: operation.isIdempotent ? idempotencyKey : fc.constant(null),
    })
    .map(({ path, query, body, type, headers, version, key }) => ({
      method: operation.method,
      url: `${ISSUER}/admin/api${path}${query}`,
      headers: compact({
        ...headers,
        'If-Match': version ?? undefined,
        'Idempotency-Key': key ?? undefined,
        'Content-Type': body === null ? undefined : type,
      }),
      body: operation.method === 'GET' ? null : body,
    }))
}

import * as z from 'zod/mini'
import type { Config } from '../config/config.ts'
import { compact } from '../lib/compact.ts'
import { ADMIN_SCOPES } from '../oauth/admin_scope.ts'
import { CONFIRMATION_HEADER } from './confirmation.ts'
import { IDEMPOTENCY_HEADER, KEY_LIFETIME_SECONDS } from './idempotency.ts'
import type { Operation } from './operation.ts'
import { PROBLEMS } from './problem.ts'
import { named, registry } from './schemas.ts'

const problemSchema = named(
  'Problem',
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.optional(z.string()),
    errors: z.optional(z.array(z.object({ path: z.string(), message: z.string() }))),
  }),
)

const VERSION_HEADER = { ETag: { description: 'The version, for If-Match', schema: { type: 'string' } } }

/** The OpenAPI 3.1 document of the operations, derived from the schemas that check input and output. */
export function formatOpenApi(operations: readonly Operation[], { issuer }: Pick<Config, 'issuer'>): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of operations) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method.toLowerCase()]: formatOperation(operation),
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sallyport admin API',
      version: '1',
      description: `Problems are application/problem+json (RFC 9457): ${Object.keys(PROBLEMS).join(', ')}.`,
    },
    servers: [{ url: `${issuer}/admin/api` }],
    paths,
    components: {
      schemas: formatSchemas(),
      securitySchemes: {
        service_account: {
          type: 'oauth2',
          description:
            'An access token for the admin API, of a confidential client with the scope of the operation',
          flows: { clientCredentials: { tokenUrl: `${issuer}/oauth2-token`, scopes: ADMIN_SCOPES } },
        },
        operator: {
          type: 'oauth2',
          description: 'An access token for the admin API, of a user with the role admin or support',
          flows: {
            password: {
              tokenUrl: `${issuer}/oauth2-token`,
              refreshUrl: `${issuer}/oauth2-token`,
              scopes: {},
            },
          },
        },
      },
    },
  }
}

function formatOperation(operation: Operation): object {
  const { id, summary, tag, role, scope, body, status, response } = operation
  return compact({
    operationId: id,
    summary,
    description: describeAccess(operation),
    tags: [tag],
    security: [{ operator: [] }, ...(scope === null ? [] : [{ service_account: [scope] }])],
    'x-role': role,
    parameters: formatParameters(operation),
    requestBody: body === undefined ? undefined : { required: true, content: content(body) },
    responses: {
      [status]: compact({
        description: summary,
        content: response === undefined ? undefined : content(response),
        ...(isVersioned(operation) ? { headers: VERSION_HEADER } : {}),
      }),
      default: {
        description: 'A problem',
        content: { 'application/problem+json': { schema: reference(problemSchema) } },
      },
    },
  })
}

/** A sentence about the callers that the operation allows. */
function describeAccess({ role, scope }: Operation): string {
  const operators =
    role === 'anyone' ? 'a role' : role === 'admin' ? 'the role admin' : 'the role support or admin'
  const accounts =
    scope === null ? 'Service accounts cannot call it' : `A service account needs the scope ${scope}`
  return `An operator needs ${operators}. ${accounts}.`
}

/** Whether the response has an ETag: it contains one client or user. */
function isVersioned({ response }: Operation): boolean {
  const id = response === undefined ? undefined : registry.get(response)?.id
  return id === 'Client' || id === 'ClientWithSecret' || id === 'User'
}

function formatParameters(operation: Operation): object[] {
  const { path, query, method, needsVersion = false, isIdempotent = false, tag, confirmation } = operation
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const { properties = {}, required = [] } = query === undefined ? {} : z.toJSONSchema(query, { io: 'input' })
  const inQuery = Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
  const isEdit = method !== 'GET' && inPath.length > 0 && (tag === 'clients' || tag === 'users')
  const ifMatch = { name: 'If-Match', in: 'header', required: needsVersion, schema: { type: 'string' } }
  const confirming = {
    name: CONFIRMATION_HEADER,
    in: 'header',
    required: false,
    schema: { type: 'string' },
    description: `From POST /me/confirm. Required ${confirmation?.when}.`,
  }
  const idempotencyKey = {
    name: IDEMPOTENCY_HEADER,
    in: 'header',
    required: false,
    schema: { type: 'string' },
    description: `In double quotes. A repeat within ${KEY_LIFETIME_SECONDS} s gets the same record or secret.`,
  }
  return [
    ...inPath,
    ...inQuery,
    ...(isEdit ? [ifMatch] : []),
    ...(confirmation === undefined ? [] : [confirming]),
    ...(isIdempotent ? [idempotencyKey] : []),
  ]
}

function content(schema: z.ZodMiniType): object {
  return { 'application/json': { schema: reference(schema) } }
}

function reference(schema: z.ZodMiniType): object {
  const name = registry.get(schema)?.id
  if (name === undefined) throw new Error('a schema of the admin API has no name')
  return { $ref: schemaUri(name) }
}

function schemaUri(name: string): string {
  return `#/components/schemas/${name}`
}

function formatSchemas(): Record<string, object> {
  const { schemas } = z.toJSONSchema(registry, { uri: schemaUri, io: 'input' })
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _dialect, $id: _id, ...schema }]) => [name, schema]),
  )
}

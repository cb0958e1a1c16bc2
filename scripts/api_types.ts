/** The generated file with the types of the admin API, for the CLI. */
export const API_TYPES_FILE = 'packages/cli/src/api/schemas.ts'

/** The part of JSON Schema that the document of the admin API uses. */
interface Schema {
  $ref?: string
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
}

interface Operation {
  'x-role': string
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, { content?: Record<string, { schema: Schema }> }>
}

export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

/** The text of the generated file: a type for each schema, and the bodies of the requests and responses. */
export function formatApiTypes({ paths, components }: OpenApiDocument): string {
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `export type ${name} = ${formatType(schema, '')}\n`,
  )
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
    ),
  )
  const bodies = operations.flatMap(([name, { requestBody }]) =>
    requestBody === undefined ? [] : [`  '${name}': ${formatContent(requestBody.content)}\n`],
  )
  const responses = operations.map(([name, operation]) => `  '${name}': ${formatResponse(operation)}\n`)
  const adminOnly = operations.flatMap(([name, operation]) =>
    operation['x-role'] === 'admin' ? [`  '${name}',\n`] : [],
  )
  return [
    '// `npm run openapi` generates this file from the OpenAPI document. Do not edit it.\n',
    ...schemas,
    `/** The body of the request of each operation that has one. */\nexport type Bodies = {\n${bodies.join('')}}\n`,
    `/** The body of the successful response of each operation. */\nexport type Responses = {\n${responses.join('')}}\n`,
    `/** The operations that need the role admin. */\nexport const ADMIN_OPERATIONS: readonly (keyof Responses)[] = [\n${adminOnly.join('')}]\n`,
  ].join('\n')
}

/** The type of the body with a status of 2xx; `null` for an operation without content. */
function formatResponse({ responses }: Operation): string {
  const success = Object.entries(responses).find(([status]) => status.startsWith('2'))
  return formatContent(success?.[1].content ?? {})
}

function formatContent(content: Record<string, { schema: Schema }>): string {
  const [media] = Object.values(content)
  return media === undefined ? 'null' : formatType(media.schema, '  ')
}

function formatType(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref.replace('#/components/schemas/', '')
  if (schema.const !== undefined) return formatLiteral(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(formatLiteral).join(' | ')
  if (schema.anyOf !== undefined) return schema.anyOf.map((choice) => formatType(choice, indent)).join(' | ')
  if (Array.isArray(schema.type)) {
    return schema.type.map((type) => formatType({ ...schema, type }, indent)).join(' | ')
  }
  if (schema.type === 'array') return `readonly (${formatType(schema.items ?? {}, indent)})[]`
  if (schema.type === 'object') return formatObject(schema, indent)
  if (schema.type === 'integer') return 'number'
  return schema.type ?? 'unknown'
}

function formatObject({ properties, required = [], additionalProperties }: Schema, indent: string): string {
  if (properties === undefined) {
    const values =
      typeof additionalProperties === 'object' ? formatType(additionalProperties, indent) : 'unknown'
    return `Readonly<Record<string, ${values}>>`
  }
  const members = Object.entries(properties).map(([name, schema]) => {
    const mark = required.includes(name) ? '' : '?'
    return `${indent}  readonly ${name}${mark}: ${formatType(schema, `${indent}  `)}\n`
  })
  return `{\n${members.join('')}${indent}}`
}

function formatLiteral(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value)
}

import { formatOpenApi } from '../src/admin/openapi.ts'
import { OPERATIONS } from '../src/admin/operations.ts'

/** The copy of the OpenAPI document that the CLI bundles. */
export const OPENAPI_FILE = 'packages/cli/src/api/openapi.json'

/** The text of that file. Its addresses are examples, because each server has its own issuer. */
export function formatOpenApiFile(): string {
  return `${JSON.stringify(formatOpenApi(OPERATIONS, { issuer: 'https://auth.example.com' }), null, 2)}\n`
}

import { formatOpenApi } from '../src/admin/openapi.ts'
import { EXAMPLE_ISSUER } from '../src/admin/openapi_file.ts'
import { OPERATIONS } from '../src/admin/operations.ts'

/** The text of the OpenAPI document of the CLI. Its addresses are examples, because each server has its own issuer. */
export function formatOpenApiFile(): string {
  return `${JSON.stringify(formatOpenApi(OPERATIONS, { issuer: EXAMPLE_ISSUER }), null, 2)}\n`
}

import { writeFileSync } from 'node:fs'
import { formatOpenApiFile, OPENAPI_FILE } from './openapi_document.ts'

// `npm run openapi`: writes the OpenAPI document of the admin API for the CLI.

writeFileSync(OPENAPI_FILE, formatOpenApiFile())

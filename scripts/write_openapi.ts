import { writeFileSync } from 'node:fs'
import { API_TYPES_FILE, formatApiTypes } from './api_types.ts'
import { formatOpenApiFile } from './openapi_document.ts'
import { CLI_OPENAPI_FILE } from './static_files.ts'

// `npm run openapi`: writes the OpenAPI document of the admin API and its TypeScript types for the CLI.

const text = formatOpenApiFile()
writeFileSync(CLI_OPENAPI_FILE, text)
writeFileSync(API_TYPES_FILE, formatApiTypes(JSON.parse(text)))

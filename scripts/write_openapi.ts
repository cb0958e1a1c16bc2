import { writeFileSync } from 'node:fs'
import { API_TYPES_FILE, formatApiTypes } from './api_types.ts'
import { formatOpenApiFile, OPENAPI_FILE } from './openapi_document.ts'

// `npm run openapi`: writes the OpenAPI document of the admin API and its TypeScript types for the CLI.

const text = formatOpenApiFile()
writeFileSync(OPENAPI_FILE, text)
writeFileSync(API_TYPES_FILE, formatApiTypes(JSON.parse(text)))

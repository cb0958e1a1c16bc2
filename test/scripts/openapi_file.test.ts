import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { API_TYPES_FILE, formatApiTypes } from '../../scripts/api_types.ts'
import { formatOpenApiFile } from '../../scripts/openapi_document.ts'
import { CLI_OPENAPI_FILE } from '../../scripts/static_files.ts'

describe('the OpenAPI document of the CLI', () => {
  it('the OpenAPI document of the CLI equals the document that the admin API serves (run `npm run openapi` after a change)', () => {
    expect(JSON.parse(readFileSync(CLI_OPENAPI_FILE, 'utf8'))).toEqual(JSON.parse(formatOpenApiFile()))
  })
})

describe('the types of the admin API in the CLI', () => {
  it('the types of the admin API in the CLI equal those that `npm run openapi` generates from the document', () => {
    const document = JSON.parse(readFileSync(CLI_OPENAPI_FILE, 'utf8'))
    expect(readFileSync(API_TYPES_FILE, 'utf8')).toBe(formatApiTypes(document))
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { formatOpenApiFile, OPENAPI_FILE } from '../../scripts/openapi_document.ts'

describe('the OpenAPI document of the CLI', () => {
  it('equals the document that the admin API serves (run `npm run openapi` after a change)', () => {
    expect(JSON.parse(readFileSync(OPENAPI_FILE, 'utf8'))).toEqual(JSON.parse(formatOpenApiFile()))
  })
})

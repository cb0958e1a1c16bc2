import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

describe('docs/code-map.svg', () => {
  it('shows the imports of the source as they are', async () => {
    const check = promisify(execFile)(process.execPath, ['scripts/code_map.ts', '--check'])
    await expect(check).resolves.toEqual({ stdout: '', stderr: '' })
  })
})

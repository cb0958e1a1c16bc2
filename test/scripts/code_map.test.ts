import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

describe('docs/code-map.svg', () => {
  it('docs/code-map.svg shows the present imports of the source', async () => {
    const check = promisify(execFile)(process.execPath, ['scripts/code_map.ts', '--check'])
    await expect(check).resolves.toEqual({ stdout: '', stderr: '' })
  })
})

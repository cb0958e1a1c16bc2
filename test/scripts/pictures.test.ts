import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

describe('the pictures of the documentation', () => {
  it.each([
    ['docs/code-map.svg shows the present imports of the source', 'code_map'],
    ['docs/architecture.svg is the picture of its script', 'architecture_picture'],
  ])('%s', async (_title, script) => {
    const check = promisify(execFile)(process.execPath, [`scripts/${script}.ts`, '--check'])
    await expect(check).resolves.toEqual({ stdout: '', stderr: '' })
  })

  it.each(['console-dashboard', 'demo-shop'])('docs/README.md shows %s.png, under 150 kB', (name) => {
    expect(readFileSync('docs/README.md', 'utf8')).toContain(`](images/${name}.png)`)
    expect(statSync(`docs/images/${name}.png`).size).toBeLessThan(150_000)
  })
})

import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ensureDevVars } from '../../scripts/dev_vars.ts'
import { parseSealingKey } from '../../src/keys/sealing.ts'

const newPath = () => join(mkdtempSync(join(tmpdir(), 'sallyport-')), '.dev.vars')
const modeOf = (path: string) => statSync(path).mode & 0o777

describe('the local secrets', () => {
  it('are made once, and only the current user can read them', () => {
    const path = newPath()
    ensureDevVars(path)
    const text = readFileSync(path, 'utf8')
    const [, key = ''] = /^SEALING_KEY=(.*)\n$/.exec(text) ?? []
    expect(parseSealingKey(key)).toHaveLength(32)
    expect(modeOf(path)).toBe(0o600)
    ensureDevVars(path)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('are added to an existing file, which other users cannot read afterwards', () => {
    const path = newPath()
    writeFileSync(path, 'OTHER=1', { mode: 0o644 })
    ensureDevVars(path)
    expect(readFileSync(path, 'utf8')).toMatch(/^OTHER=1\nSEALING_KEY=[A-Za-z0-9_-]{43}\n$/)
    expect(modeOf(path)).toBe(0o600)
  })
})

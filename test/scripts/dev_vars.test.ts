import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ensureDevVars, findSealingProblem } from '../../scripts/dev_vars.ts'
import { parseSealingKey, type SealingKey, sealPrivateJwk } from '../../src/keys/sealing.ts'

const newPath = () => join(mkdtempSync(join(tmpdir(), 'sallyport-')), '.dev.vars')
const modeOf = (path: string) => statSync(path).mode & 0o777

describe('the local secrets', () => {
  it('the local secrets are made once, and only the current user can read them', () => {
    const path = newPath()
    ensureDevVars(path)
    const text = readFileSync(path, 'utf8')
    const [, key = ''] = /^SEALING_KEY=(.*)\n$/.exec(text) ?? []
    expect(parseSealingKey(key)).toHaveLength(32)
    expect(modeOf(path)).toBe(0o600)
    ensureDevVars(path)
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('the local secrets are added to an existing file, which other users cannot read afterwards', () => {
    const path = newPath()
    writeFileSync(path, 'OTHER=1', { mode: 0o644 })
    ensureDevVars(path)
    expect(readFileSync(path, 'utf8')).toMatch(/^OTHER=1\nSEALING_KEY=[A-Za-z0-9_-]{43}\n$/)
    expect(modeOf(path)).toBe(0o600)
  })

  it('are refused at every start if they cannot open the stored signing keys', async () => {
    const path = newPath()
    ensureDevVars(path)
    const text = readFileSync(path, 'utf8')
    const key = parseSealingKey(text.trim().replace('SEALING_KEY=', '')) as SealingKey
    const facts = { kid: 'k', alg: 'ES256', createdAt: 1, activatesAt: 1, retiresAt: null }
    const stored = [{ kid: 'k', sealed: await sealPrivateJwk(facts, { kty: 'EC' }, [key]) }]
    const other = `SEALING_KEY=${randomBytes(32).toString('base64url')}\n`
    const wrong = expect.stringMatching(
      /^SEALING_KEY in \.dev\.vars is missing, or is not the key of .*npm run reset$/,
    )
    const malformed = expect.stringMatching(/^SEALING_KEY in \.dev\.vars is not 32 bytes in base64url\./)
    for (const [content, withKeys, withoutKeys] of [
      [text, null, null],
      [`${other}SEALING_KEY_NEXT${text.slice('SEALING_KEY'.length)}`, null, null],
      [other, wrong, null],
      ['', wrong, null],
      ['SEALING_KEY=short\n', wrong, malformed],
    ]) {
      writeFileSync(path, content)
      expect(await findSealingProblem(stored, path)).toEqual(withKeys)
      expect(await findSealingProblem([], path)).toEqual(withoutKeys)
    }
  })
})

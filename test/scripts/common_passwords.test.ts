import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { commonPasswords, formatListModule, LIST_FILE } from '../../scripts/common_passwords.ts'
import { COMMON_PASSWORDS, isCommonPassword } from '../../src/users/common_passwords.ts'

describe('the list of common passwords', () => {
  it('equals the list that `npm run common-passwords` writes', () => {
    expect(readFileSync(LIST_FILE, 'utf8')).toBe(formatListModule())
  })

  it('has each of the 10,000 most common passwords of at least 8 characters, in any case and width', () => {
    const passwords = commonPasswords()
    expect([passwords.length, new Set(passwords).size]).toEqual([COMMON_PASSWORDS, COMMON_PASSWORDS])
    expect(passwords.filter((password) => !isCommonPassword(password))).toEqual([])
    const forms = ['Password1', 'PASSWORD123', 'ｐａｓｓｗｏｒｄ１', 'iLoveYou1']
    expect(forms.filter((password) => !isCommonPassword(password))).toEqual([])
  })

  it('has fewer than 40 of 100,000 random passwords', () => {
    const random = Array.from({ length: 100_000 }, () => randomUUID())
    expect(random.filter(isCommonPassword).length).toBeLessThan(40)
  })
})
